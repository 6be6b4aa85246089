"""Every view of a record as a CSV file: what a spreadsheet or a paper's table starts from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.facts.tables import rows_shown, table_lines
from storage.record.reader import connect
from storage.record.schema import VIEWS


def rows_of(db: sqlite3.Connection, view: str, redacted: bool) -> Iterator[dict[str, Any]]:
    """Rows of a view, one at a time, without what is withheld."""
    columns, rows = rows_shown(db, view, redacted)
    return (dict(zip(columns, row, strict=True)) for row in rows)


def write_tables(database: Path, folder: Path, redacted: bool) -> dict[str, Path]:
    """Writes `tables/<view>.csv` below `folder` for every view that has rows; returns name and path of each."""
    written = {}
    (folder / "tables").mkdir(parents=True)
    with closing(connect(database)) as db:
        for view in VIEWS:
            path = folder / "tables" / f"{view}.csv"
            with path.open("wb") as out:
                out.writelines(table_lines(db, view, redacted))
            if path.stat().st_size:
                written[f"tables/{view}.csv"] = path
    return written
