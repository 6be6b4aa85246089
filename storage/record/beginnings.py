"""Runs that were cut off before their first event, by a kill or a power cut: only folders, and a database without one.

What a run was to be stands in that event alone, so there is nothing to go on with. A folder that holds anything else,
`config.toml` or `heads` for one, had a first event once and is not taken for such a run.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from core.run_folder import SECRET_FILE
from storage.verifier.contents.whole import RUN_ID

_FOLDERS: dict[str, frozenset[str]] = {
    "artifacts": frozenset(),
    "checkpoints": frozenset(),
    "private": frozenset({SECRET_FILE, f".{SECRET_FILE}.partial"}),
    "control": frozenset(),
}
"""What may be in each before the first event; in `control` anything."""
_FILES = frozenset({"audit.db", "audit.db-wal", "audit.db-shm", "audit.db-journal"})


def never_begun(root: Path) -> bool:
    """Whether a folder is what is left where the making of a run was cut off; False where nobody here can tell."""
    try:
        if RUN_ID.fullmatch(root.name) is None or root.is_symlink():
            return False
        names = set(os.listdir(root))
        if not names <= _FOLDERS.keys() | _FILES:
            return False
        if any(
            not _FOLDERS[name].issuperset(os.listdir(root / name)) for name in names & _FOLDERS.keys() - {"control"}
        ):
            return False
        return _holds_no_event(root / "audit.db")
    except (OSError, sqlite3.Error, UnicodeDecodeError):
        return False


def told_of_beginning(root: Path) -> str:
    """What is to be said of such a run, and what to do."""
    return (
        f"{root.name} was cut off before its first event, which would hold its configuration: there is nothing to go "
        f"on with; `dempo remove {root.name}` removes {root}, and `dempo run` makes such a run anew"
    )


def _holds_no_event(database: Path) -> bool:
    try:
        mode = os.lstat(database).st_mode
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(mode):
        return False
    uri = database.absolute().as_uri()
    try:
        return _is_empty(f"{uri}?mode=ro")
    except sqlite3.OperationalError as error:
        # A journal is left, which only a writer may roll back: the database was not yet switched to a write-ahead log.
        rolls_back = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY
        if not rolls_back or os.path.exists(f"{database}-wal"):
            raise
        return _is_empty(f"{uri}?mode=ro&immutable=1")


def _is_empty(uri: str) -> bool:
    with closing(sqlite3.connect(uri, uri=True, timeout=1)) as db:
        if db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            return True
        return db.execute("SELECT 1 FROM events UNION ALL SELECT 1 FROM blobs LIMIT 1").fetchone() is None
