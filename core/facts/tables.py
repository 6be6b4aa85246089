"""The tables of a bundle: each view of its record as a CSV file, without what is withheld; by exporter and verifier.

A row is read twice, first for whether a name in it has to be escaped: no more than one row is ever held.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from core.facts.cells import csv_line, escaped_columns, table_header, table_row
from core.facts.sealed import PEOPLE, PRIVATE, SEALED

WITHHELD = "withheld"
"""Stands in a table or a report for what was left out."""

NAMES_OF_RATERS = frozenset({"rater_id"})
TEXTS_IN_VIEWS: dict[str, frozenset[str]] = {
    "questions": frozenset({"clause", "question"}),
    "answers": frozenset({"answer"}),
    "judge_calls": frozenset({"detail"}),
}
"""Columns of views that hold texts of people or models; the words of an operator are no such texts."""

PEOPLE_IN_VIEWS: dict[str, tuple[str, ...]] = {
    "raters": ("pool.built",),
    "types": ("lottery.types",),
    "inclusion_probabilities": ("pool.built", "lottery.solved"),
    "levels": ("lottery.level",),
    "panel_raters": ("pool.built", "lottery.panel"),
    "panel_types": ("lottery.panel",),
    "lottery_diagnostics": ("lottery.diagnosed",),
    "alternates": ("draw.alternates",),
    "panel_members": ("draw.made",),
    "locale_composition": ("pool.built", "draw.made"),
    "conditions": ("condition.planned",),
    "weights": ("condition.planned",),
    "weight_shares": ("weights.realised",),
    "heldout_split": ("heldout.split",),
    "heldout": ("heldout.split", "heldout.measured"),
}
"""Views that are made of the parts about people of these kinds of events."""

COLUMNS_OF_PEOPLE: dict[str, frozenset[str]] = {
    "levels": frozenset({"types", "values"}),
    "lottery_diagnostics": frozenset({"without_chance_types"}),
    "conditions": frozenset({"pairs", "effective_pairs", "held_out_raters"}),
    "heldout_split": frozenset({"pairs", "measured"}),
    "heldout": frozenset({"pairs"}),
}
"""Those of them that show other things too, and the columns that are made of these parts."""

PRIVATE_IN_VIEWS: dict[str, tuple[str, ...]] = {"train_steps": ("train.step",)}
"""Views that show something of the parts of these kinds of events that lead back to the source."""

COLUMNS_OF_PRIVATE: dict[str, frozenset[str]] = {
    "train_steps": frozenset({"effective_pairs", "tokens", "tokens_per_second"}),
}
"""Their columns that are made of these parts."""


def part_not_here(part: str) -> str:
    """SQL for a row where this part of an event of some kinds, a JSON list, is not here."""
    named = f"payload->>'$.{SEALED}.{part}.sha256'"
    return f"""SELECT 1 FROM events WHERE kind IN (SELECT value FROM json_each(?))
  AND {named} IS NOT NULL AND {named} NOT IN (SELECT sha256 FROM blobs) LIMIT 1"""


def rows_shown(db: sqlite3.Connection, view: str, redacted: bool) -> tuple[list[str], Iterator[list[Any]]]:
    """The columns of a view and its rows, one at a time, without what is withheld.

    Where all rows were, one says so in every column.
    """
    cursor = db.execute(f"SELECT * FROM {view}")
    columns = [column[0] for column in cursor.description]
    hidden = NAMES_OF_RATERS | TEXTS_IN_VIEWS.get(view, frozenset()) if redacted else frozenset()
    withheld = redacted and people_withheld(db, view)
    if withheld:
        hidden |= COLUMNS_OF_PEOPLE.get(view, frozenset())
    if redacted and _parts_withheld(db, PRIVATE, PRIVATE_IN_VIEWS.get(view)):
        hidden |= COLUMNS_OF_PRIVATE[view]
    places = [place for place, column in enumerate(columns) if column in hidden]
    shown = (_without(row, places) for row in cursor)
    return columns, _or_withheld(shown, columns) if withheld else shown


def people_withheld(db: sqlite3.Connection, view: str) -> bool:
    """Whether a view is made of parts about people that are not here."""
    return _parts_withheld(db, PEOPLE, PEOPLE_IN_VIEWS.get(view))


def _parts_withheld(db: sqlite3.Connection, part: str, kinds: tuple[str, ...] | None) -> bool:
    return kinds is not None and db.execute(part_not_here(part), [json.dumps(kinds)]).fetchone() is not None


def _or_withheld(rows: Iterator[list[Any]], columns: Sequence[str]) -> Iterator[list[Any]]:
    """The rows; where there is none, one that says why."""
    yield next(rows, [WITHHELD] * len(columns))
    yield from rows


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
