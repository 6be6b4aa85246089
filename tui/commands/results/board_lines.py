"""Leaderboards of a run as `dempo show` prints them: that of one method, or of all, and how much families differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import InputError
from core.facts.ranking.methods import primary_method
from core.visible import one_line
from storage.findings.pairs_found import PairsFound
from storage.judging import families
from storage.judging.board_notes import board_notes, by_method
from storage.judging.coverage import Coverage
from storage.judging.families import spread_table
from storage.plans.planned_rows import planned_method
from storage.record.reader import Reader
from storage.record.rows import BoardDetailRow, BoardRow, FamilyRow, HypothesisRow, view_rows
from tui.terminal import tables

ALL = "all"
"""In place of a method: every one."""


def board_rows(reader: Reader, method: str | None = None) -> list[dict[str, Any]]:
    """Rows of the view with the notes in words: those of one method, or of all where none is named.

    Raises:
        InputError: the run has no leaderboard by this method.
    """
    boards = by_method(view_rows(reader, BoardRow))
    notes = board_notes(boards, view_rows(reader, BoardDetailRow), view_rows(reader, FamilyRow))
    wanted = _wanted(method, list(boards))
    return [vars(row) | {"note": "; ".join(notes[of])} for of in wanted for row in boards[of]]


def _wanted(method: str | None, methods: Sequence[str]) -> list[str]:
    if method in (None, ALL):
        return list(methods)
    if method not in methods:
        has = f"has {', '.join(methods)}" if methods else "has no leaderboard"
        raise InputError(f"--method {method}: the run {has}; {ALL} shows every one")
    return [str(method)]


def board_lines(reader: Reader, method: str | None) -> list[str]:
    """The leaderboard of a method, that of the run's primary one where none is named, and which others there are.

    What has to be said of the judging stands in the summary.
    """
    rows, kinds = board_rows(reader), Coverage.of_run(reader).kinds
    if not rows:
        if method is not None:
            board_rows(reader, method)
        return []
    methods = list(dict.fromkeys(str(row["method"]) for row in rows))
    primary = primary_method(methods, planned_method(view_rows(reader, HypothesisRow)))
    shown = board_rows(reader, method if method is not None else primary)
    lines = [f"Leaderboards{_stamp(reader.summary().simulated, kinds)}", ""]
    leads = PairsFound.of_run(reader).firsts()
    lines += [tables.leaderboards(shown, leads=leads), *_others(methods, shown), ""]
    return [*lines, *_spread(spread_table(view_rows(reader, FamilyRow)))]


def _others(methods: Sequence[str], shown: Sequence[dict[str, Any]]) -> list[str]:
    left = [one_line(method, 40) for method in methods if method not in {row["method"] for row in shown}]
    if not left:
        return []
    told = f"by other methods: {', '.join(left)}; --method NAME shows one, --method {ALL} every one"
    return ["", tables.remark(told)]


def _spread(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How much conditions of one family differ, if there are families."""
    if not rows:
        return []
    return ["Spread between the members of families", "", tables.table(rows), tables.remark(families.REMARK), ""]


def _stamp(simulated: bool, judges: frozenset[str]) -> str:
    """What of leaderboards is simulated."""
    if not simulated:
        return ""
    if judges <= {"planted"}:
        return " (simulated: citizens of a planted world are the judges)"
    some = "some of the judges are too" if "planted" in judges else "the judges are not"
    return f" (the raters are simulated, those of a planted world; {some})"
