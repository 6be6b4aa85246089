"""Plots in the terminal, redrawn only where their data, their size or the theme changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Size

from tui.widgets.chart import Chart
from tui.widgets.looks import Paint
from tui.widgets.words import Words

if TYPE_CHECKING:
    from tui.widgets.axes import Axes

SMALLEST = Size(24, 7)
"""Below this a plot is no plot: all its curves would lie in a row or two. Words take its place."""


def load() -> None:
    """Loads what paints plots; a thread does it while it reads, so that keys needn't wait for it."""
    import tui.widgets.axes  # noqa: F401 (numpy comes with it)


def paint_of(app: App[object]) -> Paint:
    """What the theme of an app lets one paint with."""
    return Paint(app.current_theme.dark, not app.no_color)


class CurvePlot(Vertical):
    """A chart with its title; what its markers and colours mean stands in the table beside it.

    The axes are made with the first chart that has a curve and room for it.
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._title, self._told = Words(classes="headline"), Words(classes="told")
        self._axes: Axes | None = None
        self._chart: Chart | None = None

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._told

    def draw(self, chart: Chart) -> None:
        """Shows the chart; the same again costs nothing."""
        if chart != self._chart:
            self._chart = chart
            self._arrange()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._arrange())

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Shows axes or, where there is no room for them, words."""
        chart, size = self._chart, self.size
        if chart is None or not size or not self.is_mounted:
            return
        plotted = size.width >= SMALLEST.width and size.height >= SMALLEST.height and not chart.empty
        paint = paint_of(self.app)
        self._title.display = plotted or (chart.empty and not chart.told)
        self._told.display = not self._title.display
        self._title.say(chart.headline(size.width))
        self._told.say(chart.in_words(paint))
        if plotted:
            self._axes_made().draw(chart, paint)
        if self._axes is not None:
            self._axes.display = plotted

    def _axes_made(self) -> Axes:
        if self._axes is None:
            from tui.widgets.axes import Axes

            self._axes = Axes()
            self.mount(self._axes)
        return self._axes
