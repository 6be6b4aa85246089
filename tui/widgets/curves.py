"""Plots in the terminal, redrawn only where their data changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textual.color import Color
from textual_plotext import PlotextPlot

from core.visible import one_line
from storage.summary.smoothing import means

COLOURS = ("cyan", "orange", "green", "magenta", "blue", "red", "white", "gray")
_MOST_POINTS = 240
"""More points than a terminal has columns only cost time."""


@dataclass(frozen=True)
class Series:
    """One curve; `colour` is an index into COLOURS, so that a condition keeps its colour between plots."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    colour: int = 0


@dataclass(frozen=True)
class Chart:
    """Everything that a plot shows. A `level` is a horizontal line with a name; `x_label` may be empty."""

    title: str
    x_label: str
    series: tuple[Series, ...]
    level: tuple[str, float] | None = None


class CurvePlot(PlotextPlot):
    """A chart of curves, each with its name at its end so that colour is never the only difference."""

    _chart: Chart | None = None

    def draw(self, chart: Chart) -> None:
        """Draws the chart unless it is the one shown already."""
        if chart == self._chart:
            return
        self._chart = chart
        self._redraw()

    def on_mount(self) -> None:
        """Labels carry the background of the theme, so another theme draws them again."""
        super().on_mount()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    def _redraw(self) -> None:
        chart, plot = self._chart, self.plt
        if chart is None:
            return
        behind = Color.parse(self.app.theme_variables["surface"]).rgb
        plot.clear_figure()
        plot.title(_title(chart))
        plot.grid(False, False)
        for series in chart.series:
            xs, ys = thinned(series.xs, series.ys)
            if not xs:
                continue
            colour = COLOURS[series.colour % len(COLOURS)]
            plot.plot(xs, ys, marker="braille", color=colour)
            plot.text(one_line(series.name, 14), x=xs[-1], y=ys[-1], color=colour, background=behind, alignment="right")
        places = [x for series in chart.series for x in series.xs]
        if chart.level is not None and places:
            name, height = chart.level
            last = max(places)
            plot.hline(height, "gray")
            plot.text(one_line(name, 30), x=last, y=height, color="gray", background=behind, alignment="right")
        ticks = whole_ticks(places)
        if ticks:
            plot.xticks(ticks, [f"{tick:,}" for tick in ticks])
        self.refresh()


def _title(chart: Chart) -> str:
    """What is shown, and how much of it has no place in a plot."""
    missing = sum(not math.isfinite(y) for series in chart.series for y in series.ys)
    what = one_line(f"{chart.title} by {chart.x_label}" if chart.x_label else chart.title, 60)
    return f"{what} ({missing:,} not finite)" if missing else what


def whole_ticks(xs: Sequence[float], most: int = 5) -> list[int]:
    """Round numbers along an axis that counts things: steps or raters."""
    if not xs:
        return []
    low, high = math.ceil(min(xs)), math.floor(max(xs))
    rough = max(1.0, (high - low) / most)
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
    return list(range(-(-low // step) * step, high + 1, step))


def thinned(xs: Sequence[float], ys: Sequence[float], most: int = _MOST_POINTS) -> tuple[list[float], list[float]]:
    """At most `most` points, each the mean of its neighbours; what is not finite is left out."""
    return means(xs, ys, max(1, -(-len(xs) // most)))
