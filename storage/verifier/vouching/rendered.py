"""The tables of a bundle against the views of its record, which are read through SQL that is known to be the program's.

The order of rows and the last digits of numbers are SQLite's own business and differ between its versions, so rows
count whatever their order, and numbers that are alike to nine digits are the same.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from core.facts.cells import ESCAPED, cell
from core.facts.tables import rows_shown, table_lines
from storage.verifier.contents.whole import REDACTION_NOTE, is_plain_file
from storage.verifier.ground.finding import broken, newer, unreadable
from storage.verifier.ground.reading import LARGEST_TABLE_VALUE, opened_safely
from storage.verifier.ground.record import Record

TABLE_FILE = re.compile(r"tables/([a-z_]{1,60})\.csv")
FRACTION = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
CLOSE_ENOUGH = 1e-9
LARGEST_TABLE = 256 * 1024**2


def check_tables(record: Record, names: Collection[str]) -> str:
    """Each table shows what its view shows, and none is left out; how many there are, in words."""
    tables = {found[1] for found in map(TABLE_FILE.fullmatch, names) if found}
    redacted = is_plain_file(record.root / REDACTION_NOTE)
    open_questions = set(tables)
    try:
        own = _views_of_file(record)
        for views in [record.facts.views, *([own] if own != record.facts.views else [])]:
            with _seen_through(record, views) as db:
                for view in sorted(open_questions & views.keys()):
                    if _has_columns_of(record.root / "tables" / f"{view}.csv", db, view):
                        _check_table(record.root, db, view, redacted)
                        open_questions.remove(view)
                for view in sorted(own) if views == own else ():
                    if view not in tables and any(table_lines(db, view, redacted)):
                        raise broken(f"there is no tables/{view}.csv, and the record has rows for it")
    except sqlite3.Error as error:
        raise unreadable(error) from None
    for view in sorted(open_questions):
        raise newer(f"tables/{view}.csv, a table with other columns than any known here,")
    return f"{len(tables)} tables"


def _views_of_file(record: Record) -> dict[str, str]:
    """The views that the database holds, where they are those of a release; else those of this program."""
    if record.schema_wrong:
        return dict(record.facts.views)
    with closing(opened_safely(record.database)) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall())


@contextmanager
def _seen_through(record: Record, views: Mapping[str, str]) -> Iterator[sqlite3.Connection]:
    """A connection in which these views stand before those of the file, as the exporter reads a record."""
    with closing(opened_safely(record.database)) as db:
        db.text_factory = lambda body: body.decode("utf-8", "replace")
        db.execute("PRAGMA query_only=OFF")  # the file itself is opened read-only
        for statement in views.values():
            db.execute(statement.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))
        db.execute("PRAGMA query_only=ON")
        yield db


def _has_columns_of(path: Path, db: sqlite3.Connection, view: str) -> bool:
    """Whether a table was made from this version of its view: later ones have further columns."""
    if os.path.getsize(path) > LARGEST_TABLE:
        raise broken(f"tables/{view}.csv is too large for a table")
    with path.open("r", encoding="utf-8", errors="replace", newline="") as stream:
        header = next(csv.reader(iter(lambda: stream.readline(LARGEST_TABLE_VALUE), "")), [])
    columns, _ = rows_shown(db, view, redacted=False)
    return [column for column in header if not column.endswith(ESCAPED)] == list(map(cell, columns))


def _check_table(root: Path, db: sqlite3.Connection, view: str, redacted: bool) -> None:
    path = root / "tables" / f"{view}.csv"
    row = _differing_row(path, table_lines(db, view, redacted))
    if row is None:
        return
    if not _same_rows(_rows_in(path.read_bytes()), _rows_in(b"".join(table_lines(db, view, redacted)))):
        where = f"row {row}" if row else "its columns"
        raise broken(f"tables/{view}.csv is not what the view {view} of the record shows: {where}")


def _differing_row(path: Path, lines: Iterable[bytes]) -> int | None:
    """The first line of a file that is another one, counted from 0; None where there is none."""
    row = 0
    with path.open("rb") as stream:
        for line in lines:
            if stream.read(len(line)) != line:
                return row
            row += 1
        return row if stream.read(1) else None


def _rows_in(body: bytes) -> list[list[str]]:
    """The rows of a CSV file, the header first; none where it is no CSV."""
    before = csv.field_size_limit(LARGEST_TABLE_VALUE)
    try:
        return list(csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline="")))
    except csv.Error:
        return []
    finally:
        csv.field_size_limit(before)


def _same_rows(one: list[list[str]], other: list[list[str]]) -> bool:
    if len(one) != len(other) or one[:1] != other[:1]:
        return False
    pairs = zip(sorted(one[1:], key=_placed), sorted(other[1:], key=_placed), strict=True)
    return all(len(a) == len(b) and all(map(_same_cell, a, b)) for a, b in pairs)


def _placed(row: list[str]) -> tuple[str, ...]:
    return tuple(f"{float(text):.9g}" if _is_fraction(text) else text for text in row)


def _same_cell(one: str, other: str) -> bool:
    if one == other:
        return True
    return _is_fraction(one) and _is_fraction(other) and math.isclose(float(one), float(other), rel_tol=CLOSE_ENOUGH)


def _is_fraction(text: str) -> bool:
    """Whether a cell holds a number that SQLite keeps as a float; digits alone may be a name."""
    return FRACTION.fullmatch(text) is not None and not text.lstrip("-").isdigit()
