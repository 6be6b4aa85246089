"""Curves in the terminal: ticks, markers and colours, what takes the place of a small plot, and the keys."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_run
from hypothesis import given
from hypothesis import strategies as st
from test_app import INTERVAL, shown, until, wait_for
from textual.app import App, ComposeResult
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from storage.record.reader import Reader
from storage.record.rows import HeldOutPoint, StepRow
from storage.summary.smoothing import means
from tui.app import DempoApp
from tui.screens.panes.quotas import in_figures
from tui.screens.panes.training import Training, TrainingPane
from tui.screens.panes.training_curves import View, chart
from tui.widgets.axes import Axes
from tui.widgets.chart import Chart, Series
from tui.widgets.curves import SMALLEST, CurvePlot
from tui.widgets.looks import MARKERS, ON_DARK, ON_LIGHT, Paint, marker
from tui.widgets.outlines import marked, outlined, placed
from tui.widgets.ticks import ticks

NUMBERS = st.floats(min_value=-1e9, max_value=1e9)
NAMES = ("base", "full", "hard")


# ---------------------------------------------------------------- ticks


@given(NUMBERS, st.floats(min_value=1e-6, max_value=1e9), st.integers(min_value=2, max_value=8), st.booleans())
def test_ticks_are_multiples_of_1_2_or_5_and_say_what_they_are(low: float, span: float, most: int, whole: bool) -> None:
    found = ticks(low, low + span, most, whole)
    assert len(found.values) <= most + 1
    assert list(found.values) == sorted(set(found.values))
    assert len(set(found.labels)) == len(found.labels)
    if len(found.values) < 2:
        return
    step = found.values[1] - found.values[0]
    step = found.values[-1] / round(found.values[-1] / step) if found.values[-1] else step
    assert f"{step:.0e}"[0] in "125"
    assert math.isclose(step, float(f"{step:.0e}"), rel_tol=1e-6)
    if whole:
        assert all(value == round(value) for value in found.values)
    for value, label in zip(found.values, found.labels, strict=True):
        assert math.isclose(float(label.replace(",", "")), value, rel_tol=1e-9, abs_tol=step * 1e-6)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0.573, 0.698, 4, "0.60 0.65"),
        (0.61, 0.69, 4, "0.62 0.64 0.66 0.68"),
        (0, 1000, 5, "0 200 400 600 800 1,000"),
        (-2e-7, 3e-7, 5, "-2e-7 -1e-7 0 1e-7 2e-7 3e-7"),
        (0, 6e7, 3, "0 2e7 4e7 6e7"),
        (0.1, 0.1, 4, ""),
    ],
)
def test_labels_have_the_decimals_that_they_need(low: float, high: float, most: int, labels: str) -> None:
    found = ticks(low, high, most)
    assert " ".join(found.labels) == labels or low == high
    assert len(found.values) <= most + 1


def test_what_is_counted_has_whole_ticks_and_the_last_label_is_not_cut() -> None:
    assert ticks(0.5, 3.5, 8, whole=True).labels == ("1", "2", "3")
    found = ticks(0, 1000, 2, whole=True)
    assert found.within(0, 1000, 20).labels == ("0", "500", "1,000" + 2 * "  ")
    assert found.within(0, 2000, 20).labels == found.labels


# ---------------------------------------------------------------- points


def test_curves_are_means_and_lose_what_is_no_number() -> None:
    assert means([1, 2, 3], [1.0, 3.0, 7.0], 2) == ([1.5, 3], [2, 7])
    assert placed([1, 2, 3, 4], [1.0, math.nan, math.inf, 1e200]) == [(1, 1.0)]


@given(st.lists(st.floats(min_value=-5, max_value=5), min_size=1, max_size=400), st.integers(1, 30))
def test_an_outline_keeps_the_ends_and_the_extremes_of_every_column(ys: list[float], dots: int) -> None:
    points = list(enumerate(ys))
    kept = outlined(points, 0, len(ys), dots)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert len(kept) <= 4 * (dots + 1) or len(kept) == len(points) <= 4 * dots
    columns: dict[int, list[float]] = {}
    for x, y in points:
        columns.setdefault(int(x / len(ys) * dots), []).append(y)
    for column, heights in columns.items():
        left = [y for x, y in kept if int(x / len(ys) * dots) == column]
        assert (min(left), max(left)) == (min(heights), max(heights))


@pytest.mark.parametrize("columns", [18, 60, 190])
def test_twelve_curves_have_markers_in_different_columns(columns: int) -> None:
    line = [(0.0, 0.0), (1000.0, 1.0)]
    found = [marked(line, 0, 1000, columns, place, 12) for place in range(12)]
    places = [int(x / 1000 * columns) for points in found for x, _ in points]
    assert all(found)
    assert len(set(places)) == len(places)
    assert marked([(2.0, 5.0)], 0, 1000, columns, 3, 12) == [(2.0, 5.0)], "a curve has a marker however short it is"


# ---------------------------------------------------------------- looks


def test_twelve_conditions_have_twelve_markers_and_twelve_colours() -> None:
    assert len({marker(place) for place in range(12)}) == len(MARKERS) == 12
    for dark in (True, False):
        paint = Paint(dark)
        assert len({paint.colour(place) for place in range(12)}) == 12
        assert len({(marker(place), paint.colour(place)) for place in range(60)}) == 60
    assert {Paint(coloured=False).colour(place) for place in range(12)} == {""}


VISION = {
    "any": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What is left of linear red, green and blue (Machado, Oliveira and Fernandes, 2009)."""


def _linear(colour: str) -> list[float]:
    shares = [part / 255 for part in Color.parse(colour).rgb]
    return [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]


def _times(rows: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(factor * part for factor, part in zip(row, vector, strict=True)) for row in rows]


def _oklab(linear: Sequence[float]) -> list[float]:
    """A space in which distances are about as large as they look (Ottosson, 2020)."""
    cones = _times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        [min(max(part, 0.0), 1.0) for part in linear],
    )
    return _times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        [part ** (1 / 3) for part in cones],
    )


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("colours", "least"), [(ON_DARK, 0.065), (ON_LIGHT, 0.045)], ids=["dark", "light"])
def test_colours_are_told_apart_with_any_colour_vision(colours: Sequence[str], least: float, vision: str) -> None:
    seen = [_oklab(_times(VISION[vision], _linear(colour))) for colour in colours]
    distances = [math.dist(one, other) for one, other in itertools.combinations(seen[:8], 2)]
    assert min(distances) > 0.07
    assert min(math.dist(one, other) for one, other in itertools.combinations(seen, 2)) > least


def test_colours_stand_out_from_the_background_of_the_themes() -> None:
    for name, colours in (("textual-dark", ON_DARK), ("textual-light", ON_LIGHT)):
        system = BUILTIN_THEMES[name].to_color_system().generate()
        for behind, colour in itertools.product((system["background"], system["surface"]), colours):
            lights = sorted(_times(((0.2126, 0.7152, 0.0722),), _linear(one))[0] for one in (behind, colour))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 3, (name, behind, colour)


# ---------------------------------------------------------------- a plot and what takes its place


class Plotted(App[None]):
    """One plot, as large as the terminal."""

    def __init__(self, drawn: Chart) -> None:
        super().__init__()
        self.plot, self.drawn = CurvePlot("plot"), drawn

    def compose(self) -> ComposeResult:
        yield self.plot

    def on_mount(self) -> None:
        self.plot.draw(self.drawn)


def line(name: str = "soft", look: int = 0, slope: float = 1.0) -> Series:
    return Series(name, tuple(range(100)), tuple(0.5 + slope * x / 100 for x in range(100)), look)


BRAILLE = re.compile("[⠁-⣿]")


async def _settled(pilot: Pilot[Any], wanted: str) -> str:
    await until(pilot, lambda: wanted in shown(pilot.app))
    return shown(pilot.app)


async def test_a_plot_gives_way_to_words_where_it_has_no_room_and_comes_back() -> None:
    drawn = Chart("loss", "step", (line(), line("hard", 1, 2.0)), size=10)
    app = Plotted(drawn)
    async with app.run_test(size=(60, 20)) as pilot:
        text = await _settled(pilot, "△")
        assert "loss by step, mean of 10" in text.splitlines()[0]
        assert BRAILLE.search(text)
        for size in ((SMALLEST.width - 1, 20), (60, SMALLEST.height - 1), (60, 1)):
            await pilot.resize_terminal(*size)
            text = await _settled(pilot, "last mean of")
            assert not BRAILLE.search(text)
        await pilot.resize_terminal(60, 3)
        assert "○ soft 1.4900 △ hard 2.4800" in await _settled(pilot, "hard")
        await pilot.resize_terminal(*SMALLEST)
        assert BRAILLE.search(await _settled(pilot, "┛"))


async def test_what_has_no_place_in_a_plot_is_told_and_the_level_has_its_name_in_the_title() -> None:
    ys = (1.0, math.nan, math.inf, 1e300, 2.0)
    app = Plotted(Chart("log-loss", "step", (Series("soft", (1, 2, 3, 4, 5), ys),), ("ln 2", math.log(2))))
    async with app.run_test(size=(80, 20)) as pilot:
        text = await _settled(pilot, "┛")
        assert text.startswith("log-loss by step (2 not finite, 1 too large); ╌ ln 2 = 0.6931")
        assert sum(row.count("╌") for row in text.splitlines()[1:]) > 40


@pytest.mark.parametrize(
    "ys",
    [
        (1.0,),
        (-1e150, 1e150),
        *(pytest.param(ys, marks=pytest.mark.long) for ys in ((0.0, 0.0), (1e-300, 2e-300), (math.nan,), ())),
    ],
)
async def test_any_numbers_are_plotted_at_any_size(ys: tuple[float, ...]) -> None:
    app = Plotted(Chart("t", "step", (Series("s", tuple(range(len(ys))), ys),)))
    async with app.run_test(size=(80, 24)) as pilot:
        for size in ((1, 1), (2, 2), (300, 80), (24, 7), (25, 8), (1, 80), (300, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert shown(app).strip()


async def test_a_chart_is_painted_again_only_where_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[int] = []
    clear = Axes.clear
    monkeypatch.setattr(Axes, "clear", lambda self: (cleared.append(1), clear(self))[1])
    app = Plotted(Chart("loss", "step", (line(),)))
    async with app.run_test(size=(60, 20)) as pilot:
        await _settled(pilot, "○")
        before = len(cleared)
        app.plot.draw(Chart("loss", "step", (line(),)))
        await pilot.pause()
        assert len(cleared) == before
        app.theme = "textual-light"
        await until(pilot, lambda: len(cleared) > before)
        styles = {
            str(part.style) for strip in app.screen._compositor.render_strips() for part in strip if "○" in part.text
        }
        assert any(ON_LIGHT[0].lower() in style for style in styles), styles


def test_pi_in_figures_says_how_many_raters_have_which() -> None:
    pi = tuple(sorted([0.076] * 45 + [0.617] * 5))
    told = in_figures(pi)
    assert told == ("π of 50 raters: 0.0760 × 45, 0.6170 × 5\n0.0760 to 0.6170, quartiles 0.0760, 0.0760, 0.0760")
    assert in_figures(tuple(range(20)), known=False).startswith("π at most of 20 raters: 0.0000 × 1, ")
    assert ", others × 14" in in_figures(tuple(range(20)))
    assert in_figures(()) == ""


# ---------------------------------------------------------------- what a person chooses


def test_smoothing_goes_through_round_sizes_and_back_to_the_usual_one() -> None:
    views = [View()]
    for _ in range(20):
        views.append(views[-1].smooth(1, 1000))
    sizes = [view.size for view in views]
    assert sizes[:6] == [None, 50, 100, 200, 500, 500]
    for _ in range(20):
        views.append(views[-1].smooth(-1, 1000))
    assert [view.size for view in views][-1] == 1
    assert list(dict.fromkeys(view.size for view in views[20:]))[:6] == [500, 200, 100, 50, None, 20]
    assert View().smooth(1, 0) == View().smooth(-1, 0) == View()


def test_a_part_of_the_steps_follows_the_newest() -> None:
    view = View(zoomed="loss").shift(1)
    assert view.part == 0
    rows = [StepRow("a", step, step / 10, 0.0, 0.0, 1.0, None, None, None) for step in range(1, 81)]
    newest = view.shift(-1)
    for last in (40, 80):
        drawn = chart("loss", {"a": rows[:last]}, ["a"], replace(newest, size=1), last)
        assert drawn.series[0].xs == tuple(range(last * 3 // 4, last + 1))
        assert drawn.span == (last * 3 / 4, last)
    assert [newest.shift(-1).part, newest.shift(-9).part, newest.shift(1).part] == [3, 1, 0]
    assert newest.zoom(["loss", "margin"]) == View(zoomed="margin")
    assert newest.among(["a"], ["margin"]) == View()


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose tab Training has three conditions with 100 steps."""
    sample_run.make_sample_run(tmp_path)
    read = TrainingPane.read.__func__  # type: ignore[attr-defined]

    def planted(cls: type[TrainingPane], reader: Reader, request: Any) -> Training:
        read(cls, reader, request)
        steps = {
            name: [
                StepRow(name, s, 0.7 - place * s / 1000, s / 100, 1e-6, 1.0, None, None, None) for s in range(1, 101)
            ]
            for place, name in enumerate(NAMES)
        }
        measured = {name: [HeldOutPoint(name, s, 0.69 - s / 5000, 0.5) for s in (0, 50, 100)] for name in NAMES}
        return Training([], steps, measured, {}, "")

    monkeypatch.setattr(TrainingPane, "read", classmethod(planted))
    return tmp_path


async def test_keys_zoom_smooth_and_show_one_condition(trained: Path) -> None:
    app = DempoApp(trained, INTERVAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "4")
        text = await wait_for(pilot, "loss (nats), mean of 3", "reward margin", "held-out log-loss", "┛")
        assert [f"{marker(place)} {name}" in text for place, name in enumerate(NAMES)] == [True] * 3
        await pilot.press("plus", "a")
        text = await wait_for(pilot, "loss (nats), mean of 5", "plots: means of 5 steps (+ -), only base (a)")
        assert text.count(marker(1)) == 1, "the table still says which marker is whose"
        await pilot.press("z")
        text = await wait_for(pilot, "loss (nats) by step, mean of 5", "all steps (← →)", absent="reward margin")
        assert "s/step" not in text
        await pilot.press("a", "left")
        await wait_for(pilot, "only full (a)", "steps 75 to 100 (← →)", "△ full")
        await pilot.press("a", "a", "z")
        await wait_for(pilot, "reward margin by step, mean of 5", "○ base  △ full  □ hard", absent="only")
        await pilot.press("1", "4")
        await wait_for(pilot, "reward margin by step, mean of 5", absent="log-loss")
        await pilot.press("z")
        await wait_for(pilot, "╌ ln 2 = 0.6931", absent="mean of")
        await pilot.press("z", "minus")
        await wait_for(pilot, "loss (nats), mean of 3", "condition", absent="plots:")


async def test_the_plot_of_a_lottery_takes_the_tab_and_gives_it_back(trained: Path) -> None:
    app = DempoApp(trained, INTERVAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "2")
        await wait_for(pilot, "category", "π of every rater, sorted")
        await pilot.press("z")
        await wait_for(pilot, "╌ k/n = 0.3333", "10", absent="category")
        await pilot.press("l")
        await wait_for(pilot, "level", absent="π of every rater, sorted")
        await pilot.press("l")
        await wait_for(pilot, "category", "π of every rater, sorted")
        await pilot.resize_terminal(60, 18)
        await wait_for(pilot, "π of 12 raters: 0.")


async def test_without_colours_curves_differ_by_their_markers(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = DempoApp(trained, INTERVAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "4")
        text = await wait_for(pilot, "┛", "□")
        curves = text.partition("condition")[0]
        assert all(marker(place) in curves for place in range(3))
        strips = app.screen._compositor.render_strips()
        used = {part.style.color for strip in strips for part in strip if part.style and part.style.color}
        assert not [colour for colour in used if colour.triplet and len({*colour.triplet}) > 1]


@pytest.mark.long
async def test_a_tab_with_plots_survives_every_size(trained: Path) -> None:
    app = DempoApp(trained, INTERVAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "4")
        await wait_for(pilot, "┛")
        for size in ((1, 1), (10, 5), (300, 80), (60, 20), (26, 12), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("z")
            await pilot.pause()
        await wait_for(pilot, "Training")
