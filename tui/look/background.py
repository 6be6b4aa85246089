"""Whether the terminal's background is light, which it is asked once, before the app has it.

The question (OSC 11) goes out while the app is still being loaded, so that nobody waits for the answer. Behind it goes
one that every terminal answers (DA1): where that answer comes first, the terminal does not know the other one.
"""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
_LIMIT = 0.1
"""Seconds that the app waits for an answer once it is loaded."""

_COLOUR = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})[^\x07\x1b]*(?:\x07|\x1b\\)"
)
_KNOWN = re.compile(rb"\x1b\[\?[0-9;]*c")
_ANSWERS = re.compile(r"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[0-9;]*c")
_BEGUN = re.compile(r"\x1b(?:\]1(?:1(?:;[^\x07\x1b]*\x1b?)?)?|\[\?[0-9;]*)$")

_SILENT = ("dumb", "linux", "unknown", "vt", "eterm", "emacs")
"""How names of terminals begin that would not answer, or would show the question."""


class Background:
    """What the terminal said: `light` is None where it did not. `typed` is what a person typed meanwhile."""

    light: bool | None = None
    typed: str = ""


@contextmanager
def background_asked(environ: Mapping[str, str] = os.environ) -> Iterator[Background]:
    """Asks at the beginning of the block and reads the answer at its end."""
    found, terminal = Background(), sys.stdin.fileno()
    if not _can_answer(environ):
        yield found
        return
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        os.write(sys.stdout.fileno(), _QUESTION)
        yield found
        said = _read(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
    found.light = is_light(said)
    found.typed = _ANSWERS.sub("", said.decode("utf-8", "replace")).replace("\n", "\r")
    if not _KNOWN.search(said):
        drop_late_answers()


def _can_answer(environ: Mapping[str, str]) -> bool:
    name = environ.get("TERM", "")
    return bool(name) and not name.startswith(_SILENT) and "INSIDE_EMACS" not in environ


def _read(terminal: int) -> bytes:
    """Everything up to the answer that every terminal gives, or what there is when time is up."""
    said, end = b"", time.monotonic() + _LIMIT
    while not _KNOWN.search(said):
        if not select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            break
        part = os.read(terminal, 4096)
        if not part:
            break
        said += part
    return said


def is_light(said: bytes) -> bool | None:
    """Whether the colour in an answer is nearer to white than to black; None where there is none."""
    found = _COLOUR.search(said)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5


def drop_late_answers() -> None:
    """Has the app leave out answers that come after all: Textual would take their letters for keys."""
    from textual.drivers import linux_driver

    class Parser(linux_driver.XTermParser):
        _held = ""

        def feed(self, data: str) -> Any:
            if not data:
                return super().feed(data)
            kept, self._held = without_answers(self._held + data)
            return super().feed(kept) if kept else ()

    linux_driver.XTermParser = Parser  # type: ignore[misc]


def without_answers(data: str) -> tuple[str, str]:
    """What was typed, and the beginning of an answer that is still to come."""
    kept = _ANSWERS.sub("", data)
    begun = _BEGUN.search(kept)
    return (kept, "") if begun is None else (kept[: begun.start()], begun.group())
