"""Changing records as somebody would who can write the file: one thing at a time, the chain mended behind it or not."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from storage.demonstration import altered_payload, rechain, without_triggers

Change = Callable[[sqlite3.Connection], None]
Edit = Callable[[dict[str, Any]], None]


def tampered(root: Path, folder: Path, change: Change, mended: bool = True) -> Path:
    """A copy of a run below `folder`, changed, with the same triggers as before; `mended` hashes the chain anew."""
    shutil.copytree(root, folder / root.name, ignore=shutil.ignore_patterns("checkpoints", "private", "control"))
    with opened(folder / root.name) as db:
        change(db)
        if mended:
            rechain(db)
    return folder / root.name


def opened(root: Path) -> AbstractContextManager[sqlite3.Connection]:
    """The database without its triggers, which are put back at the end."""
    return without_triggers(root / "audit.db")


def edited(kind: str, edit: Edit, which: int = 0) -> Change:
    """Changes the payload of an event of a kind; `which` counts them from 0, from the end where negative."""

    def change(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT seq, payload FROM events WHERE kind = ? ORDER BY seq", [kind]).fetchall()
        seq, payload = rows[which]
        again = altered_payload(db, kind, payload, edit)
        assert again != payload, f"nothing was changed in {kind}"
        db.execute("UPDATE events SET payload = ? WHERE seq = ?", (again, seq))

    return change


def removed(kind: str, which: int = 0) -> Change:
    """Takes an event out."""

    def change(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT seq FROM events WHERE kind = ? ORDER BY seq", [kind]).fetchall()
        db.execute("DELETE FROM events WHERE seq = ?", rows[which])

    return change


def repeated(kind: str, which: int = 0) -> Change:
    """Records an event once more, at the end."""

    def change(db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT seq FROM events WHERE kind = ? ORDER BY seq", [kind]).fetchall()
        db.execute(
            "INSERT INTO events SELECT (SELECT max(seq) + 1 FROM events), at, stage, kind, payload, prev, hash "
            "FROM events WHERE seq = ?",
            rows[which],
        )

    return change


def flipped(table: str, column: str, row: int) -> Change:
    """Changes one byte in the middle of a value: `row` counts from 0, from the end where negative."""

    def change(db: sqlite3.Connection) -> None:
        keys = db.execute(f"SELECT rowid FROM {table} ORDER BY rowid").fetchall()
        (key,) = keys[row]
        (value,) = db.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", [key]).fetchone()
        db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (_other(value), key))

    return change


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 100_000
    middle = len(value) // 2
    if isinstance(value, bytes):
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    while not value[middle].isalnum():
        middle += 1
    new = "b" if value[middle] == "a" else "a" if value[middle].isalpha() else "1" if value[middle] == "0" else "0"
    return value[:middle] + new + value[middle + 1 :]
