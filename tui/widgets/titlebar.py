"""The first line of a screen: where one is, and in which state."""

from __future__ import annotations

from rich.text import Text

from core.visible import one_line
from tui.widgets.words import Words


class TitleBar(Words):
    """One line, so that 80×24 isn't eaten by a banner."""

    def name_run(self, name: str, *parts: Text) -> None:
        """Shows the name of a run and what is said of it; where the line is too short, the name is cut."""
        taken = len("dempo") + sum(2 + part.cell_len for part in parts)
        self.tell(one_line(name, max(12, self.app.size.width - taken - 4)), *parts)

    def tell(self, *parts: Text | str) -> None:
        """Shows the parts, two cells apart; strings must have been made visible."""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("dempo", style="bold")
        for part in parts:
            line.append("  ")
            line.append(part if isinstance(part, Text) else Text(part))
        self.say(line)
