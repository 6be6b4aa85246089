"""Intervals drawn in text: ├──●──┤ on an axis that the rows of one table share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tui.widgets.figures import as_float


def axis(rows: Sequence[tuple[object, object, object]]) -> tuple[float, float]:
    """The least and the greatest finite number of (low, score, high) rows; (0, 1) where there is none."""
    values = [v for row in rows for v in map(as_float, row) if v is not None and math.isfinite(v)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _share(value: float, span: tuple[float, float]) -> float:
    """Where a number lies between the ends of the axis, 0 to 1; halves, so that no difference overflows."""
    low, high = span
    extent = high / 2 - low / 2
    return (value / 2 - low / 2) / extent if extent > 0 else 0.5


def whisker(low: object, score: object, high: object, span: tuple[float, float], width: int) -> str:
    """One interval in `width` cells; what is infinite is an arrow at the edge on its side.

    Where the score is not a number there is nothing to draw, and the row says so; an end that is none is a `?` beside
    the score.
    """
    start, middle, end = (math.nan if value is None else value for value in map(as_float, (low, score, high)))
    if math.isnan(middle):
        return "no score".ljust(width)[:width]
    first, last, dot = (_cell(middle if math.isnan(value) else value, span, width) for value in (start, end, middle))
    cells = [" "] * width
    for i in range(first, last + 1):
        cells[i] = "─"
    cells[first], cells[last] = _end(start, "├"), _end(end, "┤")
    cells[dot] = _end(middle, "●")
    for value, beside in ((start, dot - 1), (end, dot + 1)):
        if math.isnan(value) and 0 <= beside < width:
            cells[beside] = "?"
    return "".join(cells)


def _end(value: float, sign: str) -> str:
    if math.isfinite(value):
        return sign
    return "◂" if value < 0 else "▸"


def _cell(value: float, span: tuple[float, float], width: int) -> int:
    if math.isinf(value):
        return 0 if value < 0 else width - 1
    return min(max(round(_share(value, span) * (width - 1)), 0), width - 1)
