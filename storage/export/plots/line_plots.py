"""Plots of lines: several on one pair of axes, or each on its own beside the others.

What is infinite is an arrow, what is not a number a cross; a line ends there and begins again behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

from storage.export.plots.svg import BOTTOM, COLOURS, LEFT, RIGHT, TOP, WIDTH, Axis, grid_across, grid_up, page, words

_MOST_POINTS = 600
"""Points of one line; more would not be seen."""

_ALONE = 30
"""Room to the right of a plot that needs no legend."""

_ABREAST = 3
_CELL_WIDTH, _CELL_HEIGHT = (WIDTH - LEFT) / _ABREAST, 150
"""Of small plots: how many beside each other, and the room of each, with its name and its axis."""

Points = Sequence[tuple[float, float]]


def lines(title: str, across: str, up: str, series: Mapping[str, Points], steps: bool = False) -> str:
    """A line for each series of (x, y), with a legend; `steps` holds each value until the next.

    A line ends where its values are not finite, with an arrow up or down, or a cross, and begins again behind them.
    """
    height = 320
    every = [point for points in series.values() for point in _finite(points)]
    if not every:
        told = "no finite number to show" if any(series.values()) else "nothing to show"
        return page(title, 60, [words(LEFT, 50, told, anchor="start")])
    right = WIDTH - (RIGHT if len(series) > 1 else _ALONE)
    x, y = _axes(every, (LEFT, right), (TOP, height - BOTTOM))
    parts = [*grid_up(y, LEFT, right), *grid_across(x, TOP, height - BOTTOM)]
    parts += [words((LEFT + right) / 2, height - 8, across), words(8, TOP - 8, up, anchor="start")]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts += _curve(points, x, y, colour, steps)
        if len(series) > 1:
            at = TOP + 8 + 18 * number
            parts.append(f'<rect x="{right + 14}" y="{at - 5}" width="14" height="4" fill="{colour}"/>')
            parts.append(words(right + 34, at + 2, name, anchor="start"))
    return page(title, max(height, TOP + 18 * len(series) + 20), parts)


def multiples(title: str, across: str, up: str, series: Mapping[str, Points]) -> str:
    """A small plot for each series of (x, y), all on the same axes, so that they can be compared without a tangle."""
    every = [point for points in series.values() for point in _finite(points)]
    if not every:
        return lines(title, across, up, series)
    below = -(-len(series) // _ABREAST)
    height = TOP + below * _CELL_HEIGHT + 12
    parts = [words(8, TOP - 8, up, anchor="start"), words(WIDTH - 8, height - 4, across, anchor="end")]
    for number, (name, points) in enumerate(series.items()):
        row, column = divmod(number, _ABREAST)
        left, top = LEFT + column * _CELL_WIDTH, TOP + row * _CELL_HEIGHT + 16
        right, bottom = left + _CELL_WIDTH - 16, top + _CELL_HEIGHT - 46
        x, y = _axes(every, (left, right), (top, bottom))
        parts += [*grid_up(y, left, right, named=column == 0), *grid_across(x, top, bottom)]
        parts += [words(left, top - 6, name, anchor="start"), *_curve(points, x, y, COLOURS[0], steps=False)]
    return page(title, height, parts)


def _axes(
    points: Sequence[tuple[float, float]], across: tuple[float, float], up: tuple[float, float]
) -> tuple[Axis, Axis]:
    """Axes that hold all points, on a page between two places across it and two down it."""
    return Axis.over([p[0] for p in points], *across), Axis.over([p[1] for p in points], up[1], up[0])


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    every = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = list(points[::every])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _curve(points: Points, x: Axis, y: Axis, colour: str, steps: bool) -> list[str]:
    """Each stretch of finite values as a line, and a sign where one that is not finite follows or begins."""
    parts: list[str] = []
    for finite, run in groupby((p for p in points if math.isfinite(p[0])), key=lambda p: math.isfinite(p[1])):
        stretch = list(run)
        if finite:
            parts.append(_path(_thinned(stretch), x, y, colour, steps))
        else:
            parts.append(_beyond(stretch[0], x, y, colour))
    return parts


def _beyond(point: tuple[float, float], x: Axis, y: Axis, colour: str) -> str:
    """Above or below the axis, or a cross at its foot for what is not a number."""
    across, up = point
    sign, edge = ("×", y.first) if math.isnan(up) else ("▲", y.last + 10) if up > 0 else ("▼", y.first)
    return f'<text x="{x.at(across)}" y="{edge}" text-anchor="middle" fill="{colour}" class="sign">{sign}</text>'


def _path(points: Sequence[tuple[float, float]], x: Axis, y: Axis, colour: str, steps: bool) -> str:
    drawn, before = [], None
    for across, up in points:
        if steps and before is not None:
            drawn.append(f"{x.at(across)},{before}")
        before = y.at(up)
        drawn.append(f"{x.at(across)},{before}")
    return f'<polyline points="{" ".join(drawn)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
