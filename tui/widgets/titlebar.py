"""The first line of a screen: where one is, and in which state."""

from __future__ import annotations

from rich.text import Text

from core.visible import one_line
from tui.widgets.words import Words

_INTO = " › "
"""Between a place and one in it."""


class TitleBar(Words):
    """One line, so that 80×24 isn't eaten by a banner."""

    def name_run(self, name: str, tab: str, *parts: Text) -> None:
        """Shows a run and the tab of it, and what is said of it; where the line is too short, the name is cut."""
        taken = len("dempo") + len(_INTO) + len(tab) + sum(2 + part.cell_len for part in parts)
        self.tell(f"{one_line(name, max(12, self.app.size.width - taken - len(_INTO) - 4))}{_INTO}{tab}", *parts)

    def tell(self, *parts: Text | str) -> None:
        """Shows where one is and then the other parts, two cells apart; strings must have been made visible."""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("dempo", style="bold accent")
        for at, part in enumerate(parts):
            line.append("  " if at else _INTO, "" if at else "muted")
            line.append(part if isinstance(part, Text) else Text(part))
        self.say(line)
