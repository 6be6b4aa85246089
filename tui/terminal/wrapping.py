"""Breaking text into lines of so many cells of a terminal, at words; wide characters take two cells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

_LEAST = 20
"""Cells that a column keeps, however narrow the terminal is."""

_GAP = 2


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text; a word that is wider than a line is broken where the line ends."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
        else:
            pieces = _pieces(word, width)
            lines = [*lines, *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, width: int) -> list[str]:
    pieces, used = [""], 0
    for character in word:
        cells = cell_len(character)
        if used + cells > width and pieces[-1]:
            pieces.append("")
            used = 0
        pieces[-1] += character
        used += cells
    return pieces


def fitted(widths: Sequence[int], shrinks: Sequence[bool], room: int) -> list[int]:
    """Widths of columns that fit into `room` cells: the widest of those that may shrink are levelled off.

    Where even columns of `_LEAST` cells don't fit, rows are wider than the room.
    """
    for most in range(max(widths, default=0), _LEAST - 1, -1):
        found = [min(width, most) if shrink else width for width, shrink in zip(widths, shrinks, strict=True)]
        if sum(found) + _GAP * (len(found) - 1) <= room:
            return found
    return [min(width, _LEAST) if shrink else width for width, shrink in zip(widths, shrinks, strict=True)]
