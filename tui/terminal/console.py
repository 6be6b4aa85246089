"""What an engine says while it works: one line per stage on standard error, and a counter on a terminal."""

from __future__ import annotations

import shutil
import sys
import time

from core.visible import one_line, visible

_MARKS = {"started": "▸", "completed": "✓", "kept": "=", "skipped": "–"}
_QUIET_INTERVAL = 15.0
"""Seconds between progress lines where standard error is no terminal."""


class Console:
    """Lines for people; `quiet` keeps only the end. Standard output stays free for data."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._width = 0
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        """A line of its own."""
        if not self._quiet:
            self.clear()
            print(visible(line), file=sys.stderr, flush=True)

    def insist(self, line: str) -> None:
        """A line that is printed even where only results are asked for."""
        self.clear()
        print(line, file=sys.stderr, flush=True)

    def stage(self, name: str, what: str, seconds: float) -> None:
        """A stage began or ended."""
        if what == "started":
            self._last = time.monotonic()
            if self._terminal:
                self._counter(f"▸ {name} …")
            return
        spent = f"{seconds:8.1f} s" if what == "completed" else f"({what})".rjust(10)
        self.say(f"{_MARKS[what]} {name:<11}{spent}")

    def progress(self, stage: str, done: float, total: float, detail: str) -> None:
        """How far a long unit is."""
        share = f"{100 * done / total:3.0f} %" if total else ""
        line = f"▸ {stage:<11}{share} {detail}".rstrip()
        if self._terminal:
            self._counter(line)
        elif time.monotonic() - self._last >= _QUIET_INTERVAL:
            self._last = time.monotonic()
            self.say(line)

    def head(self, seq: int, digest: str) -> None:
        """The chain head, to be kept elsewhere: it is what shows a cut or rewritten record later."""
        self.say(f"head: event {seq}, {digest}")

    def _counter(self, line: str) -> None:
        if self._quiet:
            return
        line = one_line(line, min(100, shutil.get_terminal_size((100, 24)).columns - 1))
        print("\r" + line.ljust(self._width), end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def clear(self) -> None:
        """Removes the counter of a terminal, before something else is printed there."""
        if self._terminal and self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr)
            self._width = 0
