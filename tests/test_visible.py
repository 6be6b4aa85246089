"""Hostile text must not reach a terminal: no control, no hidden or reordering character, no endless text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.visible import clipped, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ünïcödé, 日本語 ✓", "plain text, ünïcödé, 日本語 ✓"),
        ("\x1b[2J", "␛[2J"),
        ("a\0b", "a␀b"),
        ("tab\there\r\n", "tab␉here␍\n"),
        ("\x7f\x9b31m", "␡<U+009B>31m"),
        ("abc\u202edef", "abc<U+202E>def"),
        ("\u2066x\u2069", "<U+2066>x<U+2069>"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("\ud83d", "<U+D83D>"),
        ("\U000e0041", "<U+E0041>"),
        ("line\u2028separator", "line<U+2028>separator"),
        ("e\u0301", "e\u0301"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    ],
)
def test_each_unseen_character_gets_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_acts_on_a_terminal_survives(text: str) -> None:
    for character in visible(text):
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def test_stacks_of_combining_marks_end_before_they_paint_over_other_lines() -> None:
    shown = visible("a" + "\u0301" * 50)
    assert shown.count("\u0301") == 4
    assert shown.count("<U+0301>") == 46


def test_a_long_text_ends_with_how_much_is_left_out() -> None:
    shown = clipped("y" * 10_000_000)
    assert len(shown) < 21_000
    assert shown.endswith("[… 20,000 of 10,000,000 characters shown; the record holds all of them]")


def test_a_beginning_is_told_from_the_whole() -> None:
    assert clipped("abc", length=3) == "abc"
    assert "3 of 30,000" in clipped("abc", length=30_000, limit=3)


def test_cells_are_one_line_of_bounded_width() -> None:
    assert one_line("a\nb") == "a␊b"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
    assert len(one_line("\x1b" * 500_000, 80)) == 80
