"""A text that is painted again only where it changed: over SSH every repaint is paid for."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Static

from tui.look.tokens import spanned


class Words(Static):
    """Text without markup; hostile parts must have been made visible by the caller."""

    def __init__(self, content: Text | str = "", **more: Any) -> None:
        super().__init__(_shown(content), markup=False, **more)
        self._said: Text | str = content

    def on_mount(self) -> None:
        """Another theme has other colours for the same words."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.update(_shown(self._said)))

    def say(self, content: Text | str) -> None:
        """Shows the text; the same text again costs nothing."""
        if content != self._said:
            self._said = content
            self.update(_shown(content))

    @property
    def plain(self) -> str:
        """What it says."""
        return self._said.plain if isinstance(self._said, Text) else self._said


def _shown(content: Text | str) -> Text | str:
    return spanned(content) if isinstance(content, Text) else content
