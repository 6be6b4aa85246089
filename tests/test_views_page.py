"""The page of the views says what the views are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.record.schema import OBJECTS, VIEWS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "views.md"


def test_every_view_is_listed_with_its_columns() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in OBJECTS.values():
            db.execute(statement)
        columns = {view: [row[1] for row in db.execute(f"PRAGMA table_info({view})")] for view in VIEWS}
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if "`" in line[:4]]
    assert {row[0].strip("`"): row[1].split(", ") for row in rows if len(row) == 2} == columns
