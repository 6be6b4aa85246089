"""A text that is painted again only where it changed: over SSH every repaint is paid for."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Static


class Words(Static):
    """Text without markup; hostile parts must have been made visible by the caller."""

    def __init__(self, content: Text | str = "", **more: Any) -> None:
        super().__init__(content, markup=False, **more)
        self._said: Text | str = content

    def say(self, content: Text | str) -> None:
        """Shows the text; the same text again costs nothing."""
        if content != self._said:
            self._said = content
            self.update(content)
