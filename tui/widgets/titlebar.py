"""The first line of a screen: where one is, and in which state."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from core.visible import one_line
from tui.widgets.words import Words

_INTO = " › "
"""Between a place and one in it."""

_PADDING = 2
"""Blank cells at the two ends of the line."""


class TitleBar(Words):
    """One line, so that 80×24 isn't eaten by a banner."""

    def name_run(self, name: str, tab: str, *parts: Text) -> None:
        """Shows a run and the tab of it, and what is said of it; where the line is too short, the name is cut."""
        taken = len("dempo") + len(_INTO) + len(tab) + sum(2 + part.cell_len for part in parts)
        self.tell(f"{one_line(name, max(12, self.app.size.width - taken - len(_INTO) - 4))}{_INTO}{tab}", *parts)

    def tell(self, *parts: Text | str, at_right: Sequence[Text] = ()) -> None:
        """Shows where one is and then the other parts, two cells apart; strings must have been made visible.

        Args:
            at_right: parts at the end of the line; of those that do not fit, the last are left out.
        """
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("dempo", style="bold accent")
        for at, part in enumerate(parts):
            line.append("  " if at else _INTO, "" if at else "muted")
            line.append(part if isinstance(part, Text) else Text(part))
        ending = _fitting(at_right, self.app.size.width - _PADDING - line.cell_len)
        if ending:
            last = Text("  ").join(ending)
            line.append(" " * (self.app.size.width - _PADDING - line.cell_len - last.cell_len))
            line.append(last)
        self.say(line)


def _fitting(parts: Sequence[Text], room: int) -> list[Text]:
    found = list(parts)
    while found and sum(part.cell_len + 2 for part in found) > room:
        found.pop()
    return found
