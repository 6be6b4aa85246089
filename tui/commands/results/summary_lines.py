"""The summary of a run: what ran, who is ahead and whether intervals overlap, what became of draws, and warnings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from core.facts.plural import number_of
from core.visible import visible
from storage.judging.board_notes import by_method
from storage.judging.judging_notes import JudgingNotes
from storage.plans.planned_rows import planned_method
from storage.record.reader import Reader
from storage.record.rows import BoardRow, ConditionRow, HypothesisRow, view_rows
from storage.summary.panel_drawn import panels_drawn
from storage.summary.standing import who_is_ahead
from storage.summary.what_ran import what_ran
from tui.terminal import tables

_WIDTH = 80
"""Cells of a line in a file or a pipe."""

_DRAWS = 4
"""Draws that are told of."""

_NAMES = 10
"""Cells of a line's name."""


def summary_lines(reader: Reader) -> list[str]:
    """Lines that fit the terminal, and an empty one behind them; none where nothing ran yet."""
    told = what_ran(lambda sql: [tuple(row.values()) for row in reader.query(sql)], view_rows(reader, ConditionRow))
    told += [("drawn", sentence) for sentence in _drawn(reader)]
    told += [("beware", sentence) for sentence in _warnings(JudgingNotes.of_run(reader))]
    planned = planned_method(view_rows(reader, HypothesisRow))
    told.append(("ahead", who_is_ahead(by_method(view_rows(reader, BoardRow)), planned)))
    lines = [line for name, words in _named_once(told) for line in _wrapped(name, words)]
    return [*lines, ""] if lines else []


def _drawn(reader: Reader) -> list[str]:
    found = panels_drawn(reader.view("draws"), reader.view("panel_composition"))
    more = len(found) - _DRAWS
    return [*found[:_DRAWS], *([f"{number_of(more, 'more draw')}: --view draws"] if more > 0 else [])]


def _warnings(notes: JudgingNotes) -> list[str]:
    return [*notes.first, *([notes.of_answers] if notes.of_answers else [])]


def _named_once(told: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The name before the first of several lines that share it."""
    before = ""
    for name, words in told:
        yield "" if name == before else name, words
        before = name


def _wrapped(name: str, words: str) -> list[str]:
    indent = " " * _NAMES
    width = tables.terminal() or _WIDTH
    return textwrap.wrap(visible(words), width, initial_indent=f"{name:<{_NAMES}}", subsequent_indent=indent)
