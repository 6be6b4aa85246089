"""A line to type in, of which nothing blinks: over SSH each blink is paid for."""

from __future__ import annotations

from typing import Any

from textual.widgets import Input


class InputLine(Input):
    """Textual's input with a cursor that stands still."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.cursor_blink = False
