"""Numbers, bars and intervals as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.figures import bar, duration, moment, number, percent, whole
from tui.widgets.status import GLYPHS, status
from tui.widgets.whisker import axis, whisker


def test_numbers_have_even_digits_and_names_for_what_is_none() -> None:
    assert number(0.12345) == "0.123"
    assert number(12345.6, 1) == "12,345.6"
    assert [number(v) for v in ("nan", "inf", "-inf", None, "word")] == ["nan", "∞", "−∞", "–", "–"]
    assert (whole(12345), whole(None), percent(0.5), percent(None)) == ("12,345", "–", "50.0 %", "–")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 m 01 s"), (7325, "2 h 02 m"), (None, "–")]
)
def test_lengths_of_time(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_times_lose_their_fractions() -> None:
    assert moment("2025-11-21T02:05:11.123456Z") == "2025-11-21 02:05:11"
    assert moment("") == "–"


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert bar(0, 10, 4) == "····"
    assert bar(10, 10, 4) == "━━━━"
    assert bar(5, 10, 4) == "━━··"
    assert bar(5, 8, 4) == "━━╸·"
    assert bar(999, 1000, 4) == "━━━╸"
    assert bar(11, 10, 4) == "━━━━"
    assert bar(1, 0, 4) == "····"


def test_intervals_share_an_axis() -> None:
    span = axis([(0, 1, 2), (2, 3, 4)])
    assert span == (0, 4)
    assert whisker(0, 1, 2, span, 9) == "├─●─┤    "
    assert whisker(2, 3, 4, span, 9) == "    ├─●─┤"
    assert whisker(3, 3, 3, span, 9) == "      ●  "


def test_an_endless_interval_runs_off_the_axis_and_a_missing_score_says_so() -> None:
    assert whisker("-inf", 2, "inf", (0, 4), 9) == "◂───●───▸"
    assert whisker("-inf", "-inf", 2, (0, 4), 9) == "◂───┤    "
    assert whisker("-inf", "-inf", "-inf", (0, 4), 9) == "◂        "
    assert whisker("inf", "inf", "inf", (0, 4), 9) == "        ▸"
    assert whisker("nan", 2, 4, (0, 4), 9) == "   ?●───┤"
    assert whisker("nan", 2, None, (0, 4), 9) == "   ?●?   "
    assert whisker("nan", "nan", "nan", (0, 4), 9) == "no score "
    assert axis([("nan", "inf", None)]) == (0, 1)
    assert axis([(2, 2, 2)]) == (1.5, 2.5)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3),
    st.integers(min_value=10, max_value=60),
)
def test_an_interval_always_fills_its_cells(row: list[float], width: int) -> None:
    low, score, high = row
    assert len(whisker(low, score, high, axis([(low, score, high)]), width)) == width


def test_every_state_has_a_glyph_of_its_own_within_its_group() -> None:
    runs = ("running", "stopping", "completed", "paused", "stopped", "failed", "interrupted", "created", "unreadable")
    assert len({GLYPHS[word][0] for word in runs}) == len(runs)
    assert status("running").plain == "● running"
    assert status("from the future").plain == "? from the future"
