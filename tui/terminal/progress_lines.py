"""How far a command is, as lines of JSON on standard error, for programs that show it: the app is one.

A line is an object with `step` (what is being done), `done` and `total` (0 where nobody can say), and what else there
is to say of a step: `detail` in words, or `verdict` and `seconds` of a check that ended. What is said besides is text.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tui.terminal.console import Console

ProgressLines = Annotated[
    bool, typer.Option("--progress", help="Say how far it is in lines of JSON on standard error.")
]

PATIENCE = 2.0
"""Seconds until a command that is not done says how far it is."""

_OFTEN = 0.1
"""Seconds between two lines about one step."""


def listener(console: Console, lines: bool) -> Callable[[str, float, float, str], None]:
    """Tells step, done, total and detail: as lines where they are asked for, else on the console."""
    return _Lines().tell if lines else console.progress


def when_slow(console: Console, command: str, lines: bool) -> Callable[[str, float, float], None]:
    """Tells what a command is doing, done and total: as lines, or on the console once it has taken two seconds."""
    told, begun = _Lines().tell, time.monotonic()

    def tell(what: str, done: float, total: float) -> None:
        if lines:
            told(what, done, total)
        elif time.monotonic() - begun >= PATIENCE:
            console.progress(command, done, total, what)

    return tell


def say_line(step: str, done: float, total: float, **more: Any) -> None:
    """A line of JSON."""
    told = {"step": step, "done": done, "total": total, **more}
    print(json.dumps(told), file=sys.stderr, flush=True)


class _Lines:
    """Lines as often as a person can follow them; a new step is told at once."""

    def __init__(self) -> None:
        self._step = ""
        self._last = 0.0

    def tell(self, step: str, done: float, total: float, detail: str = "") -> None:
        """A line, unless this step was told just now."""
        if step != self._step or time.monotonic() - self._last >= _OFTEN:
            self._step, self._last = step, time.monotonic()
            say_line(step, done, total, detail=detail)
