"""What a plot shows, as a value: two equal ones look the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.text import Text

from core.visible import one_line
from tui.widgets.figures import number
from tui.widgets.looks import Paint, marker
from tui.widgets.outlines import has_place


@dataclass(frozen=True)
class Series:
    """One curve; `look` is the place of its marker and colour, so that a condition keeps them between plots."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    look: int = 0
    marked: bool = True


@dataclass(frozen=True)
class Chart:
    """Everything that a plot shows. A `level` is a horizontal line with a name; `x_label` may be empty.

    `size` says of how many neighbours each point is the mean. `told` is what stands in the place of a plot that is too
    small; where it is empty, the last values do.
    """

    title: str
    x_label: str
    series: tuple[Series, ...]
    level: tuple[str, float] | None = None
    size: int = 1
    told: str = ""
    span: tuple[float, float] | None = None
    """What the lower axis spans, where that isn't what the curves do."""

    def headline(self, width: int) -> str:
        """What is shown, and how much of it has no place in a plot; less of it where there is no room."""
        tail = f", mean of {self.size}" if self.size > 1 else ""
        tail += self._missing()
        level = f"; ╌ {self.level[0]} = {number(self.level[1], 4)}" if self.level else ""
        by = f" by {self.x_label}" if self.x_label else ""
        named = f"; ╌ {self.level[0]}" if self.level else ""
        tried = [f"{self.title}{rest}" for rest in (by + tail + level, tail + level, tail + named, tail)]
        return one_line(next((line for line in tried if len(line) <= width), tried[-1]), max(width, 1))

    def in_words(self, paint: Paint) -> Text:
        """The same without a plot."""
        if self.told:
            return Text(self.told)
        text = Text(f"{self.title}{', last mean of ' + str(self.size) if self.size > 1 else ', last values'}:")
        for series in self.series:
            text.append(f" {marker(series.look)}", paint.colour(series.look))
            last = number(series.ys[-1], 4) if series.ys else "–"
            text.append(f" {one_line(series.name, 20)} {last}")
        return text

    def _missing(self) -> str:
        ys = [y for series in self.series for y in series.ys if not has_place(y)]
        endless = sum(not math.isfinite(y) for y in ys)
        told = [f"{endless:,} not finite"] if endless else []
        told += [f"{len(ys) - endless:,} too large"] if len(ys) > endless else []
        return f" ({', '.join(told)})" if told else ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to plot."""
        return not any(has_place(y) for series in self.series for y in series.ys)
