"""Curves between axes, painted with textual-plot. Only what shows a plot loads this, since numpy comes with it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual_plot import HiResMode, PlotWidget
from textual_plot.axis_formatter import AxisFormatter

from tui.widgets.chart import Chart
from tui.widgets.figures import whole
from tui.widgets.looks import Paint, marker
from tui.widgets.outlines import Point, marked, outlined, placed
from tui.widgets.ticks import Ticks, ticks

_FRAME, _LABELS = 2, 1
"""Rows and columns of the frame, and rows beneath it."""

_APART = 4
"""Columns from the end of a label to the middle of the next one, at least."""

_GREY = "#7a7a7a"
_LEVEL = "╌"


class Axes(PlotWidget, can_focus=False, inherit_bindings=False):
    """One chart. It is painted again where the chart, the size or what it is painted with changed."""

    def __init__(self) -> None:
        super().__init__(allow_pan_and_zoom=False)
        self._chart: Chart | None = None
        self._paint = Paint()
        self._drawn: tuple[Chart, Paint, Size] | None = None
        self._laid_out: tuple[Size, int] | None = None
        self._drawing = False

    def draw(self, chart: Chart, paint: Paint) -> None:
        """Draws the chart unless it is the one shown already."""
        self._chart, self._paint = chart, paint
        self._redraw()

    def on_mount(self) -> None:
        self.margin_top, self.margin_bottom = 0, _LABELS
        self.call_next(self._redraw)  # PlotWidget clears itself when it is mounted

    def on_resize(self) -> None:
        self._redraw()

    def _redraw(self) -> None:
        chart, size = self._chart, self.size
        if chart is None or not self.is_mounted or not size:
            return
        wanted = (chart, self._paint, size)
        if wanted == self._drawn:
            return
        curves = [placed(series.xs, series.ys) for series in chart.series]
        if not any(curves):
            return
        self._drawn = wanted
        self._drawing = True
        self._fill(chart, curves, size)
        self._drawing = False
        if self._laid_out != (size, self.margin_left):
            self._laid_out = (size, self.margin_left)
            self.refresh(layout=True)
        elif self._needs_canvas_resize:  # else its parts get their size first
            self.refresh()
        else:
            self.render()

    def _rerender(self) -> None:
        """While a chart is drawn nothing is painted: the whole plot would be, as it was before, and then again."""
        self._needs_rerender = True
        if not self._drawing:
            self.refresh()

    def _fill(self, chart: Chart, curves: Sequence[Sequence[Point]], size: Size) -> None:
        self.clear()
        left, right, low, high = _limits(chart, curves)
        rows = max(1, size.height - _FRAME - _LABELS)
        up = ticks(low, high, min(rows, 6) if rows < 24 else 8)
        self.margin_left = up.width + 1
        columns = max(1, size.width - self.margin_left - _FRAME)
        across = ticks(left, right, max(2, min(8, columns // (len(whole(round(right))) + _APART))), whole=True)
        beside, beneath = (right - left) / columns / 3, (high - low) / rows / 6  # what lies on the frame is not seen
        self._across(left, right + beside, across.within(left, right + beside, columns))
        self._up(low - beneath, high + beneath, up)
        self._level(chart, left, right, columns)
        self._curves(chart, curves, left, right + beside, columns)

    def _across(self, low: float, high: float, found: Ticks) -> None:
        self.set_xlimits(low, high)
        self.set_xticks(found.values)
        self.set_x_formatter(_Labels(found))

    def _up(self, low: float, high: float, found: Ticks) -> None:
        self.set_ylimits(low, high)
        self.set_yticks(found.values)
        self.set_y_formatter(_Labels(found))

    def _level(self, chart: Chart, left: float, right: float, columns: int) -> None:
        if chart.level is None:
            return
        height = chart.level[1]
        places = [left + (column + 0.5) * (right - left) / columns for column in range(columns)]
        self.scatter(places, [height] * columns, _LEVEL, _GREY if self._paint.coloured else "")

    def _curves(self, chart: Chart, curves: Sequence[Sequence[Point]], left: float, right: float, columns: int) -> None:
        """All lines, and above them all markers."""
        for series, points in zip(chart.series, curves, strict=True):
            kept = outlined(points, left, right, 2 * columns)
            self.plot(*_split(kept), self._paint.colour(series.look), HiResMode.BRAILLE)
        for place, (series, points) in enumerate(zip(chart.series, curves, strict=True)):
            if series.marked:
                found = marked(points, left, right, columns, place, len(curves))
                self.scatter(*_split(found), marker(series.look), self._paint.colour(series.look))


class _Labels(AxisFormatter):
    """Labels that are known beside their ticks."""

    def __init__(self, found: Ticks) -> None:
        self._found = found

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        return list(self._found.values)

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        return list(self._found.labels)


def _limits(chart: Chart, curves: Sequence[Sequence[Point]]) -> tuple[float, float, float, float]:
    """The span of both axes; one of no width is widened."""
    xs = [x for points in curves for x, _ in points]
    ys = [y for points in curves for _, y in points]
    ys += [chart.level[1]] if chart.level else []
    xs += chart.span or ()
    return *_widened(min(xs), max(xs), 1.0), *_widened(min(ys), max(ys), 0.0)


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    margin = max(least, max(abs(low), abs(high)) * 1e-6, 1e-280) / 2
    return (low, high) if high - low > margin else (low - margin, high + margin)


def _split(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
