"""Plots of rows: whiskers for scores with intervals, bars for bounds with what was reached.

What is infinite is an arrow at the edge on its side, whichever number of a row it is; what is not a number is no place
on an axis, and is said in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.visible import one_line
from storage.export.plots.svg import BOTTOM, COLOURS, TOP, WIDTH, Axis, grid_across, page, words

_ROW = 22
_NARROWEST = 12
"""Width of a bar whose bounds are one number: wider than the dot on it."""
_LONGEST_LABEL = 48
"""Characters of a row's name that are shown."""
_CHARACTER = 6.6
"""Width of an average character."""


@dataclass(frozen=True)
class Whisker:
    """One row of a whisker plot; `low` and `high` may be infinite or not a number."""

    label: str
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Range:
    """One row of a range plot: a bar from `lower` to `upper`, a tick at `target`, a dot at each value."""

    label: str
    lower: float
    upper: float
    target: float | None
    values: tuple[float, ...] = ()


Row = TypeVar("Row", Whisker, Range)


def whiskers(title: str, rows: Sequence[Whisker]) -> str:
    """Scores with their intervals, one row each; of a row without a score, or an interval, it is said in words."""
    known = [v for row in rows for v in (row.score, row.low, row.high) if math.isfinite(v)]
    return _in_rows(title, rows, known or [0.0], _interval)


def _interval(row: Whisker, x: Axis, at: float) -> list[str]:
    """The line from end to end, the dot of the score, and what stands for numbers that have no place."""
    parts, missing = [], []
    if math.isnan(row.low) or math.isnan(row.high):
        missing.append("no interval")
    else:
        ends = f'x1="{x.at(row.low)}" y1="{at}" x2="{x.at(row.high)}" y2="{at}"'
        parts.append(f'<line {ends} stroke="{COLOURS[0]}" stroke-width="2" class="bar"/>')
    if math.isfinite(row.score):
        parts.append(f'<circle cx="{x.at(row.score)}" cy="{at}" r="4" fill="{COLOURS[1]}" class="dot"/>')
    elif math.isnan(row.score):
        missing.insert(0, "no score")
    parts += _arrows(x, at, (row.low, row.score, row.high))
    return [*parts, words((x.first + x.last) / 2, at - 4, ", ".join(missing))] if missing else parts


def _arrows(x: Axis, at: float, values: Iterable[float]) -> list[str]:
    """One at each edge beyond which a value lies."""
    found = set(values)
    return [words(x.at(end), at + 4, sign) for end, sign in ((-math.inf, "‹"), (math.inf, "›")) if end in found]


def ranges(title: str, rows: Sequence[Range]) -> str:
    """Bounds as bars with their targets and what was reached, one row each."""
    known = [v for row in rows for v in (row.lower, row.upper, *row.values) if math.isfinite(v)]
    return _in_rows(title, rows, [0.0, *known], _bar)


def _bar(row: Range, x: Axis, at: float) -> list[str]:
    """The bar from bound to bound, the tick of the target, and the dots of what was reached."""
    parts = []
    if not math.isnan(row.lower) and not math.isnan(row.upper):
        width = max(x.at(row.upper) - x.at(row.lower), _NARROWEST)
        middle = (x.at(row.lower) + x.at(row.upper)) / 2
        place = f'x="{middle - width / 2:.2f}" y="{at - 8}" width="{width:.2f}" height="16"'
        parts.append(f'<rect {place} fill="{COLOURS[0]}" opacity="0.35"/>')
    parts += _arrows(x, at, (row.lower, row.upper, *row.values))
    if row.target is not None and math.isfinite(row.target):
        tick = x.at(row.target)
        parts.append(
            f'<line x1="{tick}" y1="{at - 8}" x2="{tick}" y2="{at + 8}" stroke="#333" stroke-width="2" class="tick"/>'
        )
    dots = (x.at(value) for value in row.values if math.isfinite(value))
    return [*parts, *(f'<circle cx="{dot}" cy="{at}" r="4" fill="{COLOURS[1]}" class="dot"/>' for dot in dots)]


def _in_rows(
    title: str, rows: Sequence[Row], known: Sequence[float], drawn: Callable[[Row, Axis, float], list[str]]
) -> str:
    """Rows below each other, each with its name, on an axis that holds all known values."""
    names = 16 + _CHARACTER * max((len(one_line(row.label, _LONGEST_LABEL)) for row in rows), default=0)
    x = Axis.over(known, names + 12, WIDTH - 30)
    height = TOP + _ROW * len(rows) + BOTTOM
    parts = grid_across(x, TOP, height - BOTTOM)
    for number, row in enumerate(rows):
        at = TOP + _ROW * number + _ROW / 2
        parts.append(words(names, at + 4, row.label, anchor="end", most=_LONGEST_LABEL))
        parts += drawn(row, x, at)
    return page(title, height, parts)
