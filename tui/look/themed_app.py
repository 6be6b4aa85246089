"""An app with the themes of its own and the names of styles: what `tui.widgets` need of the app that they are in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rich.theme import ThemeStackError
from textual.app import App
from textual.scrollbar import ScrollBar

from tui.look.scrollbars import ShortScrollBar
from tui.look.themes import DARK, themes
from tui.look.tokens import styles_of


class ThemedApp(App[None]):
    """Begins with the dark theme."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        ScrollBar.renderer = ShortScrollBar
        for theme in themes():
            self.register_theme(theme)
        self.theme = DARK
        self.watch_theme()  # which nobody else calls where it is the theme that Textual begins with

    def watch_theme(self) -> None:
        """Has the names of styles stand for the colours of the theme."""
        with suppress(ThemeStackError):  # there is none before the first
            self.console.pop_theme()
        self.console.push_theme(styles_of(self.get_css_variables(), self.native_ansi_color))
