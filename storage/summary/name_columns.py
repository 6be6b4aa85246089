"""Names in columns of a terminal: measured by the cells that they take, of which CJK and emoji take two a character."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len

from core.visible import one_line

_MOST = 400
"""Characters of a name that are looked at."""


def widest(texts: list[str]) -> int:
    """Cells of the widest; 0 of none."""
    return max(map(cell_len, texts), default=0)


def padded(text: str, width: int) -> str:
    """A text and blanks behind it, so many cells together."""
    return text + " " * (width - cell_len(text))


def indented(text: str, width: int) -> str:
    """Blanks and a text behind them, so many cells together."""
    return " " * (width - cell_len(text)) + text


def shortened(name: Any, most: int) -> str:
    """A name on one line of so many cells: of a long one the end, by which conditions mostly differ."""
    whole = one_line(str(name), _MOST)
    if cell_len(whole) <= most:
        return whole
    end = whole
    while end and cell_len(end) > most - 1:
        end = end[1:]
    return f"…{end}"
