"""Every view of a record as a CSV file: what a spreadsheet or a paper's table starts from."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from storage.export.redaction import shown
from storage.record.reader import connect
from storage.record.schema import VIEWS

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBERS = frozenset({"-inf", "inf", "nan"})


def rows_of(db: sqlite3.Connection, view: str, redacted: bool) -> Iterator[dict[str, Any]]:
    """Rows of a view, one at a time, without what is withheld."""
    cursor = db.execute(f"SELECT * FROM {view}")
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield shown(view, dict(zip(names, row, strict=True)), redacted)


def write_tables(database: Path, folder: Path, redacted: bool) -> dict[str, Path]:
    """Writes `tables/<view>.csv` below `folder` for every view that has rows; returns name and path of each."""
    written = {}
    (folder / "tables").mkdir(parents=True)
    with closing(connect(database)) as db:
        for view in VIEWS:
            rows = rows_of(db, view, redacted)
            first = next(rows, None)
            if first is not None:
                path = folder / "tables" / f"{view}.csv"
                with path.open("w", encoding="utf-8", newline="") as out:
                    _write(out, first, rows)
                written[f"tables/{view}.csv"] = path
    return written


def _write(out: io.TextIOBase, first: Mapping[str, Any], rest: Iterator[Mapping[str, Any]]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(first)
    writer.writerow([cell(value) for value in first.values()])
    for row in rest:
        writer.writerow([cell(value) for value in row.values()])


def cell(value: Any) -> Any:
    """A value as a spreadsheet may read it: a text that would be run as a formula gets an apostrophe before it.

    NUL cannot stand in a CSV file and becomes U+FFFD.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "\ufffd")
    return f"'{text}" if _FORMULA.match(text) and text not in _NUMBERS else text
