"""The tables of a bundle: each view of its record as a CSV file, without what is withheld; by exporter and verifier.

A row is read twice, first for whether a name in it has to be escaped: no more than one row is ever held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from core.facts.cells import csv_line, escaped_columns, table_header, table_row

WITHHELD = "withheld"
"""Stands in a table or a report for what was left out."""

NAMES_OF_RATERS = frozenset({"rater_id"})
TEXTS_IN_VIEWS: dict[str, frozenset[str]] = {
    "questions": frozenset({"clause", "question"}),
    "answers": frozenset({"answer"}),
    "judge_calls": frozenset({"detail"}),
}
"""Columns of views that hold texts of people or models; the words of an operator are no such texts."""


def rows_shown(db: sqlite3.Connection, view: str, redacted: bool) -> tuple[list[str], Iterator[list[Any]]]:
    """The columns of a view and its rows, one at a time, without what is withheld."""
    cursor = db.execute(f"SELECT * FROM {view}")
    columns = [column[0] for column in cursor.description]
    hidden = NAMES_OF_RATERS | TEXTS_IN_VIEWS.get(view, frozenset()) if redacted else frozenset()
    places = [place for place, column in enumerate(columns) if column in hidden]
    return columns, (_without(row, places) for row in cursor)


def _without(row: Sequence[Any], places: Sequence[int]) -> list[Any]:
    kept = list(row)
    for place in places:
        kept[place] = WITHHELD if kept[place] != "" else ""
    return kept


def table_lines(db: sqlite3.Connection, view: str, redacted: bool) -> Iterator[bytes]:
    """The lines of a view as a CSV file, the header first; none where the view has no row."""
    columns, rows = rows_shown(db, view, redacted)
    escaped = escaped_columns(columns, rows)
    _, rows = rows_shown(db, view, redacted)
    for number, row in enumerate(rows):
        if number == 0:
            yield csv_line(table_header(columns, escaped))
        yield csv_line(table_row(row, escaped))
