"""Scrollbars in few bytes: those of Textual name their colours again for every cell."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment, Segments
from textual.scrollbar import ScrollBarRender


class ShortScrollBar(ScrollBarRender):
    """Looks and answers as Textual's own."""

    @classmethod
    def render_bar(cls, *arguments: Any, **named: Any) -> Segments:
        """Cells of one line that look alike are written at once."""
        whole = super().render_bar(*arguments, **named)
        if not whole.new_lines:
            whole.segments = list(Segment.simplify(whole.segments))
        return whole
