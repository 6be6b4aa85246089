"""The first line of a screen: where one is, and in which state."""

from __future__ import annotations

from rich.text import Text

from tui.widgets.words import Words


class TitleBar(Words):
    """One line, so that 80×24 isn't eaten by a banner."""

    def tell(self, *parts: Text | str) -> None:
        """Shows the parts, two cells apart; strings must have been made visible."""
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("dempo", style="bold")
        for part in parts:
            line.append("  ")
            line.append(part if isinstance(part, Text) else Text(part))
        self.say(line)
