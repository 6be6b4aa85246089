"""What of a curve a terminal can show: no more points than it has dots, and where a marker may stand."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

Point = tuple[float, float]

LARGEST = 1e150
"""What is larger has no place on an axis: a span of two such numbers would be no float."""

_BETWEEN = 12
"""Columns from one marker of a curve to the next."""


def has_place(value: float) -> bool:
    """Whether a number can stand on an axis; nan can't."""
    return abs(value) <= LARGEST


def placed(xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    """The points that have a place in a plot."""
    return [(x, y) for x, y in zip(xs, ys, strict=True) if has_place(x) and has_place(y)]


def outlined(points: Sequence[Point], low: float, high: float, dots: int) -> list[Point]:
    """Points in rising order, of each of `dots` columns the first, lowest, highest and last: they paint the same."""
    if len(points) <= 4 * dots or high <= low:
        return list(points)
    kept: list[Point] = []
    for group in _columns(points, low, high, dots):
        ends = {0, len(group) - 1}
        heights = [y for _, y in group]
        ends |= {heights.index(min(heights)), heights.index(max(heights))}
        kept += [group[place] for place in sorted(ends)]
    return kept


def _columns(points: Sequence[Point], low: float, high: float, dots: int) -> Iterator[list[Point]]:
    group: list[Point] = []
    column = None
    for point in points:
        own = int((point[0] - low) / (high - low) * dots)
        if own != column and group:
            yield group
            group = []
        column = own
        group.append(point)
    if group:
        yield group


def marked(points: Sequence[Point], low: float, high: float, columns: int, place: int, of: int) -> list[Point]:
    """Where curve number `place` of `of` has its markers: apart from each other, and from those of other curves.

    A curve that ends before the first of them has one at its end.
    """
    if not points or high <= low:
        return list(points[-1:])
    between = max(_BETWEEN, 2 * of)
    first = round((place + 0.5) * min(between, columns) / of - 0.5)
    width = (high - low) / columns
    found = [_at(points, low + (column + 0.5) * width) for column in range(first, columns, between)]
    return [point for point in found if point is not None] or [points[-1]]


def _at(points: Sequence[Point], x: float) -> Point | None:
    """The place of the curve above x; None beside it."""
    if not points[0][0] <= x <= points[-1][0]:
        return None
    right = bisect_left(points, (x, -math.inf))
    (x0, y0), (x1, y1) = points[max(0, right - 1)], points[right]
    share = (x - x0) / (x1 - x0) if x1 > x0 else 1.0
    return x, y0 + share * (y1 - y0)
