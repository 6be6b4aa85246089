"""A list beneath a line that is typed: the line has the focus, and passes the keys on that move the cursor."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from textual.widgets import OptionList


class PickList(OptionList):
    """Compact, and never focused by itself."""

    def __init__(self, *options: Any) -> None:
        super().__init__(*options, compact=True)
        self.can_focus = False

    def move(self, how: str) -> None:
        """Moves the cursor ("cursor_down", "page_up" …), once there is room to: of a list that has none yet, which keys
        that were typed ahead may find, Textual does not know where its lines are."""
        with suppress(LookupError):
            getattr(self, f"action_{how}")()
