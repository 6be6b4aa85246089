"""`runs/registry.db`: one chained entry per run created, so that a missing run shows as a gap."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.codec import GENESIS_PREV, canonical, chain_hash, now, parse
from storage.errors import sentences
from storage.reader import connect

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, payload TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT""",
    """CREATE TRIGGER IF NOT EXISTS entries_append BEFORE INSERT ON entries
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are appended in order'); END""",
    """CREATE TRIGGER IF NOT EXISTS entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    """CREATE TRIGGER IF NOT EXISTS entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END""",
)


@dataclass(frozen=True)
class Entry:
    """A run that was created: its id and the hash of its genesis event."""

    seq: int
    at: str
    run_id: str
    genesis: str


@dataclass(frozen=True)
class Registry:
    """The entries of a registry up to the first one that breaks its chain, and what is wrong there ("" if nothing)."""

    entries: tuple[Entry, ...]
    problem: str


def registry_path(runs: Path) -> Path:
    """Where the registry of a folder of runs is."""
    return runs / "registry.db"


@contextmanager
def registration(runs: Path) -> Iterator[Callable[[str, str], None]]:
    """Holds the registry while a run is made; call what it yields with the run's id and the hash of its genesis event.

    A registry that is damaged or cannot be written is found before anything is made. Engines that create runs at
    once take turns. Nothing is entered where the block raises.

    Raises:
        StorageError: the registry cannot be written.
    """
    path = registry_path(runs)
    with sentences(runs):
        runs.mkdir(parents=True, exist_ok=True)
    with sentences(path):
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
    with closing(db):
        with sentences(path):
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                db.execute(statement)
        yield lambda run_id, genesis: _enter(db, path, run_id, genesis)
        with sentences(path):
            db.execute("COMMIT")


def _enter(db: sqlite3.Connection, path: Path, run_id: str, genesis: str) -> None:
    with sentences(path):
        last = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        seq, prev = (last[0] + 1, last[1]) if last else (1, GENESIS_PREV)
        at, payload = now(), canonical({"run_id": run_id, "genesis": genesis})
        hashed = chain_hash(prev, seq, at, "registry", "run.registered", payload)
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, at, payload, prev, hashed))


def read_registry(runs: Path) -> Registry | None:
    """The registry of a folder of runs, its schema and chain checked; None where there is none.

    Raises:
        sqlite3.Error: the file is damaged or no database.
    """
    path = registry_path(runs)
    if not path.is_file():
        return None
    with closing(connect(path)) as db:
        if _objects(db) != _objects_as_written():
            return Registry((), "its table or its triggers are not as written")
        return _chained(db)


def _chained(db: sqlite3.Connection) -> Registry:
    entries: list[Entry] = []
    prev = GENESIS_PREV
    rows = db.execute("SELECT seq, at, payload, prev, hash FROM entries ORDER BY seq")
    for expected, (seq, at, payload, stored_prev, stored) in enumerate(rows, 1):
        if seq != expected:
            return Registry(tuple(entries), f"entry {expected} is missing")
        if stored_prev != prev or chain_hash(prev, seq, at, "registry", "run.registered", payload) != stored:
            return Registry(tuple(entries), f"entry {seq} was changed")
        prev = stored
        named = _named(payload)
        if named is None:
            return Registry(tuple(entries), f"entry {seq} names no run")
        entries.append(Entry(seq, at, *named))
    return Registry(tuple(entries), "")


def _named(payload: str) -> tuple[str, str] | None:
    try:
        values = parse(payload)[0]
        run_id, genesis = values["run_id"], values["genesis"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (run_id, genesis) if isinstance(run_id, str) and isinstance(genesis, str) else None


def _objects(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _objects_as_written() -> dict[str, str]:
    """As SQLite keeps them: without IF NOT EXISTS."""
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in _SCHEMA:
            db.execute(statement)
        return _objects(db)
