"""The first line of a screen: where one is, and in which state."""

from __future__ import annotations

from rich.text import Text

from core.visible import one_line
from tui.widgets.words import Words

_INTO = " › "
"""Between a place and one in it."""

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

    def tell(self, *parts: Text | str) -> None:
        """Shows where one is and then the other parts, two cells apart; strings must have been made visible."""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("dempo", style="bold accent")
        for at, part in enumerate(parts):
            line.append("  " if at else _INTO, "" if at else "muted")
            line.append(part if isinstance(part, Text) else Text(part))
        self.say(line)
