"""A line that shows which of several things is on the screen; [ and ] turn it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from core.visible import one_line
from tui.widgets.words import Words


class Choice(Words):
    """What the choice is about, its options, and the chosen one in brackets and reversed."""

    def offer(self, what: str, options: Sequence[str], chosen: str | None) -> None:
        """Shows the options; with fewer than two there is nothing to turn."""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{what} ", style="bold")
        for option in options:
            shown = one_line(option, 40)
            line.append(f"[{shown}]" if option == chosen else f" {shown} ", style="reverse" if option == chosen else "")
        if len(options) > 1:
            line.append("   [ ] to change", style="dim")
        self.say(line)


def turned(options: Sequence[str], chosen: str | None, by: int) -> str | None:
    """The option `by` places further on, round the end; None where there is none."""
    if not options:
        return None
    here = options.index(chosen) if chosen in options else 0
    return options[(here + by) % len(options)]
