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
_OF_NAME, _LEAST = 24, 12
"""Characters of a name that the tab leaves, and the fewest in any case."""


class TitleBar(Words):
    """One line, so that 80×24 isn't eaten by a banner."""

    def name_run(self, name: str, tab: str, *parts: Text) -> None:
        """Shows a run and the tab of it, and what is said of it.

        Where the line is too short, the name is cut; where that is not enough, the tab is left to the line beneath.
        """
        taken = len(f"dempo{_INTO}") + 2 + sum(2 + part.cell_len for part in parts)
        room = self.app.size.width - taken - len(f"{_INTO}{tab}")
        if room < min(len(name), _OF_NAME):
            self.tell(one_line(name, max(_LEAST, self.app.size.width - taken)), *parts)
        else:
            self.tell(f"{one_line(name, room)}{_INTO}{tab}", *parts)

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
