"""What `dempo verify` says while it checks: lines for programs, or a counter once it has taken two seconds."""

from __future__ import annotations

from storage.check import Check
from storage.verify import Heard
from tui.terminal.console import Console
from tui.terminal.progress_lines import say_line, when_slow


def checks_heard(console: Console, lines: bool) -> Heard:
    """Who is told of each check."""
    return _Lines() if lines else _Counter(console)


class _Lines(Heard):
    def begins(self, name: str, number: int, total: int) -> None:
        say_line(name, max(number - 1, 0), total)

    def ended(self, check: Check, number: int, total: int, seconds: float) -> None:
        say_line(check.name, number, total, verdict=check.verdict, seconds=round(seconds, 3))


class _Counter(Heard):
    def __init__(self, console: Console) -> None:
        self._told = when_slow(console, "verify", lines=False)

    def begins(self, name: str, number: int, total: int) -> None:
        self._told(name, max(number - 1, 0), total)
