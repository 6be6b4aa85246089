"""Plots as SVG text: lines, whiskers and ranges. No script, no font, no link; every text in them is escaped.

What is infinite is an arrow at the edge on its side, whichever number of a row it is; what is not a number is no place
on an axis, and is said in words or by a cross.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from core.visible import one_line

_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7a4fa3", "#b8860b", "#40798c", "#8c4a6b", "#5b5f62")
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 64, 168, 44, 44
_ROW = 22
_LONGEST_LABEL = 48
"""Characters of a row's name that are shown."""
_CHARACTER = 6.6
"""Width of an average character."""
_MOST_POINTS = 600
"""Points of one line; more would not be seen."""

Points = Sequence[tuple[float, float]]


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


def lines(title: str, across: str, up: str, series: Mapping[str, Points], steps: bool = False) -> str:
    """A line for each series of (x, y), with a legend; `steps` holds each value until the next.

    A line ends where its values are not finite, with an arrow up or down, or a cross, and begins again behind them.
    """
    height = 320
    every = [point for points in series.values() for point in _finite(points)]
    if not every:
        told = "no finite number to show" if any(series.values()) else "nothing to show"
        return _page(title, 60, [_words(_LEFT, 50, told, anchor="start")])
    x, y = (
        _Axis.over([p[0] for p in every], _LEFT, _WIDTH - _RIGHT),
        _Axis.over([p[1] for p in every], height - _BOTTOM, _TOP),
    )
    parts = [*_grid_up(y, height), *_grid_across(x, height), _words((_LEFT + _WIDTH - _RIGHT) / 2, height - 8, across)]
    parts.append(_words(8, _TOP - 8, up, anchor="start"))
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += _curve(points, x, y, colour, steps)
        at = _TOP + 8 + 18 * number
        parts.append(f'<rect x="{_WIDTH - _RIGHT + 14}" y="{at - 5}" width="14" height="4" fill="{colour}"/>')
        parts.append(_words(_WIDTH - _RIGHT + 34, at + 2, name, anchor="start"))
    return _page(title, max(height, _TOP + 18 * len(series) + 20), parts)


def whiskers(title: str, rows: Sequence[Whisker]) -> str:
    """Scores with their intervals, one row each; of a row without a score, or an interval, it is said in words."""
    known = [v for row in rows for v in (row.score, row.low, row.high) if math.isfinite(v)]
    return _in_rows(title, rows, known or [0.0], _interval)


def _interval(row: Whisker, x: _Axis, at: float) -> list[str]:
    """The line from end to end, the dot of the score, and what stands for numbers that have no place."""
    parts, missing = [], []
    if math.isnan(row.low) or math.isnan(row.high):
        missing.append("no interval")
    else:
        ends = f'x1="{x.at(row.low)}" y1="{at}" x2="{x.at(row.high)}" y2="{at}"'
        parts.append(f'<line {ends} stroke="{_COLOURS[0]}" stroke-width="2"/>')
    if math.isfinite(row.score):
        parts.append(f'<circle cx="{x.at(row.score)}" cy="{at}" r="4" fill="{_COLOURS[1]}"/>')
    elif math.isnan(row.score):
        missing.insert(0, "no score")
    parts += _arrows(x, at, (row.low, row.score, row.high))
    return [*parts, _words((x.first + x.last) / 2, at - 4, ", ".join(missing))] if missing else parts


def _arrows(x: _Axis, at: float, values: Iterable[float]) -> list[str]:
    """One at each edge beyond which a value lies."""
    found = set(values)
    return [_words(x.at(end), at + 4, sign) for end, sign in ((-math.inf, "‹"), (math.inf, "›")) if end in found]


def ranges(title: str, rows: Sequence[Range]) -> str:
    """Bounds as bars with their targets and what was reached, one row each."""
    known = [v for row in rows for v in (row.lower, row.upper, *row.values) if math.isfinite(v)]
    return _in_rows(title, rows, [0.0, *known], _bar)


def _bar(row: Range, x: _Axis, at: float) -> list[str]:
    """The bar from bound to bound, the tick of the target, and the dots of what was reached."""
    parts = []
    if not math.isnan(row.lower) and not math.isnan(row.upper):
        width = max(x.at(row.upper) - x.at(row.lower), 2)
        place = f'x="{x.at(row.lower)}" y="{at - 5}" width="{width:.2f}" height="10"'
        parts.append(f'<rect {place} fill="{_COLOURS[0]}" opacity="0.35"/>')
    parts += _arrows(x, at, (row.lower, row.upper, *row.values))
    if row.target is not None and math.isfinite(row.target):
        tick = x.at(row.target)
        parts.append(f'<line x1="{tick}" y1="{at - 8}" x2="{tick}" y2="{at + 8}" stroke="#333" stroke-width="2"/>')
    dots = (x.at(value) for value in row.values if math.isfinite(value))
    return [*parts, *(f'<circle cx="{dot}" cy="{at}" r="4" fill="{_COLOURS[1]}"/>' for dot in dots)]


def _in_rows(
    title: str, rows: Sequence[Row], known: Sequence[float], drawn: Callable[[Row, _Axis, float], list[str]]
) -> str:
    """Rows below each other, each with its name, on an axis that holds all known values."""
    names = 16 + _CHARACTER * max((len(one_line(row.label, _LONGEST_LABEL)) for row in rows), default=0)
    x = _Axis.over(known, names + 12, _WIDTH - 30)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    parts = _grid_across(x, height)
    for number, row in enumerate(rows):
        at = _TOP + _ROW * number + _ROW / 2
        parts.append(_words(names, at + 4, row.label, anchor="end", most=_LONGEST_LABEL))
        parts += drawn(row, x, at)
    return _page(title, height, parts)


@dataclass(frozen=True)
class _Axis:
    """A linear scale from values to places on the page."""

    low: float
    high: float
    first: float
    last: float

    @classmethod
    def over(cls, values: Sequence[float], first: float, last: float) -> _Axis:
        low, high = min(values), max(values)
        if not math.isfinite(high - low):  # values near the largest float
            low, high = -1.0, 1.0
        margin = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
        return cls(low - margin, high + margin, first, last)

    def at(self, value: float) -> float:
        """The place of a value; infinities are at the edges."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return round(self.first + share * (self.last - self.first), 2)

    def ticks(self) -> list[float]:
        span = self.high - self.low
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next((factor for factor in (1, 2, 5) if span / (step * factor) <= 6), 10)
        start = math.ceil(self.low / step)
        return [number * step for number in range(start, start + 8) if number * step <= self.high]


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    every = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = list(points[::every])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _curve(points: Points, x: _Axis, y: _Axis, colour: str, steps: bool) -> list[str]:
    """Each stretch of finite values as a line, and a sign where one that is not finite follows or begins."""
    parts: list[str] = []
    for finite, run in groupby((p for p in points if math.isfinite(p[0])), key=lambda p: math.isfinite(p[1])):
        stretch = list(run)
        if finite:
            parts.append(_path(_thinned(stretch), x, y, colour, steps))
        else:
            parts.append(_beyond(stretch[0], x, y, colour))
    return parts


def _beyond(point: tuple[float, float], x: _Axis, y: _Axis, colour: str) -> str:
    """Above or below the axis, or a cross at its foot for what is not a number."""
    across, up = point
    sign, edge = ("×", y.first) if math.isnan(up) else ("▲", y.last + 10) if up > 0 else ("▼", y.first)
    return f'<text x="{x.at(across)}" y="{edge}" text-anchor="middle" fill="{colour}">{sign}</text>'


def _path(points: Sequence[tuple[float, float]], x: _Axis, y: _Axis, colour: str, steps: bool) -> str:
    drawn, before = [], None
    for across, up in points:
        if steps and before is not None:
            drawn.append(f"{x.at(across)},{before}")
        before = y.at(up)
        drawn.append(f"{x.at(across)},{before}")
    return f'<polyline points="{" ".join(drawn)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _grid_up(y: _Axis, height: float) -> list[str]:
    parts = []
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(f'<line x1="{_LEFT}" y1="{at}" x2="{_WIDTH - _RIGHT}" y2="{at}" stroke="#ddd"/>')
        parts.append(_words(_LEFT - 6, at + 4, f"{tick:.4g}", anchor="end"))
    return parts


def _grid_across(x: _Axis, height: float) -> list[str]:
    parts = []
    for tick in x.ticks():
        at = x.at(tick)
        parts.append(f'<line x1="{at}" y1="{_TOP}" x2="{at}" y2="{height - _BOTTOM}" stroke="#ddd"/>')
        parts.append(_words(at, height - _BOTTOM + 16, f"{tick:.4g}"))
    return parts


def _words(x: float, y: float, text: str, anchor: str = "middle", most: int = 28) -> str:
    shown = html.escape(one_line(text, most))
    return f'<text x="{round(x, 2)}" y="{round(y, 2)}" text-anchor="{anchor}">{shown}</text>'


def _page(title: str, height: float, parts: Sequence[str]) -> str:
    name = html.escape(one_line(title, 120))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" '
        f'height="{height:g}" role="img" font-family="sans-serif" font-size="12" fill="#222">\n'
        f"<title>{name}</title>\n"
        f'<text x="8" y="16" font-size="14">{name}</text>\n{body}\n</svg>\n'
    )
