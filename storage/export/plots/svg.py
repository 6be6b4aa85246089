"""What every plot is made of: a page of SVG text, words on it, an axis and its grid.

No script, no font, no link; every text is escaped. The classes let a report give it the colours of its own style.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.facts.ticks import round_step
from core.visible import one_line

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7a4fa3", "#b8860b", "#40798c", "#8c4a6b", "#5b5f62")
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 64, 168, 44, 44


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to places on the page."""

    low: float
    high: float
    first: float
    last: float

    @classmethod
    def over(cls, values: Sequence[float], first: float, last: float) -> Axis:
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
        """Round values on the scale, two to eight of them."""
        step = round_step(self.high - self.low, 6)
        start = math.ceil(self.low / step)
        return [number * step for number in range(start, start + 8) if number * step <= self.high]


def grid_up(y: Axis, left: float, right: float, named: bool = True) -> list[str]:
    """Lines across the page at round values, with these where they are named."""
    parts = []
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(f'<line x1="{left}" y1="{at}" x2="{right}" y2="{at}" stroke="#ddd" class="grid"/>')
        if named:
            parts.append(words(left - 6, at + 4, f"{tick:.4g}", anchor="end"))
    return parts


def grid_across(x: Axis, top: float, bottom: float, named: bool = True) -> list[str]:
    """Lines up the page at round values, with these where they are named."""
    parts = []
    for tick in x.ticks():
        at = x.at(tick)
        parts.append(f'<line x1="{at}" y1="{top}" x2="{at}" y2="{bottom}" stroke="#ddd" class="grid"/>')
        if named:
            parts.append(words(at, bottom + 16, f"{tick:.4g}"))
    return parts


def words(x: float, y: float, text: str, anchor: str = "middle", most: int = 28) -> str:
    """A text at a place, cut to `most` characters with a mark."""
    shown = html.escape(one_line(text, most))
    return f'<text x="{round(x, 2)}" y="{round(y, 2)}" text-anchor="{anchor}">{shown}</text>'


def page(title: str, height: float, parts: Sequence[str]) -> str:
    """The whole plot, with its title above and for who hears it."""
    name = html.escape(one_line(title, 120))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" font-family="sans-serif" font-size="12" fill="#222">\n'
        f"<title>{name}</title>\n"
        f'<text x="8" y="16" font-size="14">{name}</text>\n{body}\n</svg>\n'
    )
