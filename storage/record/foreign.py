"""Opening somebody else's record: nothing in the file is trusted, and nothing in it may run for long.

What stands between a hostile database and this program:

- It is opened as unchanging, so that no journal or write-ahead log beside it is ever replayed.
- `trusted_schema=OFF`: the file's own views, triggers and constraints may call no function but those that SQLite
  marks innocuous. The JSON functions are not among them in SQLite 3.40 ("unsafe use of ->>()"), so the file's own
  views fail, as they should. This program's views are made anew in the TEMP schema, which is trusted and which
  SQLite searches first; they work.
- Limits of size and depth, and a progress handler that ends a connection's work after `SECONDS`.
- `wrong_schema` compares every row of `sqlite_master` with what this program writes, names and root pages included;
  `connect_checked` opens nothing else.

A record is a stranger's where a mark lies beside it: the note that `dempo import` leaves, or files of a bundle that
somebody unzipped by hand. The marks are those of the stand-alone verifier (`storage.verifier.ground.reading`).

`SQLITE_DBCONFIG_DEFENSIVE` guards against writing to the schema; Python can set it from 3.12 on. The file is opened
read-only, so it would add nothing here.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any, Literal

from storage.errors import StorageError, sentences
from storage.verifier.ground.reading import FOREIGN_MARKS, is_foreign, wrong_schema
from storage.verifier.writer_facts import schema_facts

CRATE_MARK, MARK, *_ = FOREIGN_MARKS
"""The metadata of a bundle, and the note that `dempo import` leaves; nothing may write into a folder with either."""

Arrival = Literal["", "imported", "unpacked"]
"""How a run came here, in a word; "" for one that was made here."""

_NOTE_BYTES = 1024**2

SECONDS = 60.0
"""Of computing, that all queries of one connection may take together."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 64 * 1024**2,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_INSTRUCTIONS = 100_000
"""SQLite's virtual instructions between two looks at the clock: some milliseconds."""


def is_imported(root: Path) -> bool:
    """Whether the run in this folder came in a bundle, imported or unzipped by hand."""
    return is_foreign(root)


def arrival(root: Path) -> Arrival:
    """How the run in this folder came here, in a word; "" for one that was made here.

    A folder that still holds the metadata of a bundle was unpacked, whatever note lies beside them: the note may have
    come out of the bundle.
    """
    if not is_imported(root):
        return ""
    return "imported" if (root / MARK).exists() and not (root / CRATE_MARK).exists() else "unpacked"


def refuse_imported(root: Path) -> None:
    """Stops before anything is written in the folder of somebody else's run.

    Raises:
        StorageError: the run came in a bundle, or nobody may look into the folder.
    """
    with sentences(root):
        imported = is_imported(root)
    if imported:
        how = "was imported" if arrival(root) == "imported" else "was unzipped from somebody else's bundle"
        raise StorageError(
            f"{root.name} {how}: it can be shown, verified, replayed and exported, never continued or signed; "
            "`dempo clone` starts a run of your own with its configuration"
        )


def refuse_links(root: Path) -> None:
    """Stops before files of a folder that a stranger packed are passed on: a link may lead to any file of this machine.

    Raises:
        StorageError: the folder holds a link.
    """
    for path in root.rglob("*"):
        if path.is_symlink():
            raise StorageError(f"{path} is a link, which no bundle holds; remove it, or import the bundle itself")


def import_note(root: Path) -> dict[str, Any]:
    """What was found when the run was imported; empty where nothing is there that `dempo import` wrote."""
    if not (root / MARK).is_file():
        return {}
    try:
        with (root / MARK).open("rb") as stream:
            note = json.loads(stream.read(_NOTE_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def connect_foreign(database: Path) -> sqlite3.Connection:
    """A connection to a file that is never written and never believed; see the module's text.

    Raises:
        sqlite3.Error: the file is damaged or no database.
    """
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    end = time.thread_time() + SECONDS
    connection.set_progress_handler(lambda: int(time.thread_time() > end), _INSTRUCTIONS)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def connect_checked(database: Path) -> sqlite3.Connection:
    """`connect_foreign`, to a file whose schema is the one that this program writes.

    Raises:
        sqlite3.Error: the file is damaged or no database, or its schema is another one.
    """
    connection = connect_foreign(database)
    try:
        wrong = wrong_schema(connection, schema_facts())
        if wrong:
            raise sqlite3.DatabaseError(f"this record came in a bundle and cannot be trusted: {wrong.told}")
    except BaseException:
        connection.close()
        raise
    return connection
