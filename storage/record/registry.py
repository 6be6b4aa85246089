"""`runs/registry.db`: a chained entry for each run created, so that a missing one shows as a gap, for each engine that
ended, so that a run that was set back shows, and for each run removed, so that a missing one has its reason."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.facts.chain import NO_EVENT, link_hash
from storage.errors import sentences
from storage.record.codec import canonical, now
from storage.verifier.vouching.entries import (
    REGISTRY_KIND,
    REGISTRY_NAME,
    REGISTRY_OBJECTS,
    REGISTRY_STAGE,
    read_registry,
)


def registry_path(runs: Path) -> Path:
    """Where the registry of a folder of runs is."""
    return runs / REGISTRY_NAME


@dataclass(frozen=True)
class Registration:
    """A registry that is held while a run is made or removed; last is the hash of its last entry (64 zeros: none)."""

    db: sqlite3.Connection
    path: Path
    last: str

    def enter(self, run_id: str, genesis: str) -> None:
        """Enters the run with the hash of its first event."""
        _enter(self.db, self.path, {"run_id": run_id, "genesis": genesis})

    def enter_removal(self, run_id: str, event: int, head: str, reason: str) -> int:
        """Enters that a run is removed, with its last event and the reason (may be empty); returns the entry's number.

        A program of before takes such an entry for what an engine left, and names the run as missing.
        """
        return _enter(self.db, self.path, {"run_id": run_id, "event": event, "hash": head, "removed": reason})


@contextmanager
def registration(runs: Path) -> Iterator[Registration]:
    """Holds the registry while a run is made or removed.

    A registry that is damaged or cannot be written is found before anything is made. Engines that create runs at
    once take turns. Nothing is entered where the block raises.

    Raises:
        StorageError: the registry cannot be written.
    """
    with sentences(runs):
        runs.mkdir(parents=True, exist_ok=True)
    path = registry_path(runs)
    with _transaction(path) as db:
        yield Registration(db, path, _last(db, path)[1])


def last_entry(runs: Path) -> str:
    """The hash of the last entry, which every head holds; 64 zeros where there is no registry or no entry.

    Raises:
        StorageError: the registry cannot be read.
    """
    path = registry_path(runs)
    if not path.is_file() or not path.stat().st_size:
        return NO_EVENT
    with sentences(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        return _last(db, path)[1]


def _last(db: sqlite3.Connection, path: Path) -> tuple[int, str]:
    with sentences(path):
        row = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return (row[0], row[1]) if row else (0, NO_EVENT)


def enter_late(runs: Path, run_id: str, genesis: str) -> bool:
    """Enters a run that was made without an entry; says whether it did.

    A registry that names the run already, or whose chain is broken, stays as it is, and none is made anew: what is
    wrong there is for `dempo verify` to say.

    Raises:
        StorageError: the registry cannot be read or written.
    """
    path = registry_path(runs)
    if not path.is_file():
        return False
    with _transaction(path) as db, sentences(path):
        known = read_registry(runs)
        never_used = path.stat().st_size == 0  # the first run of a folder was cut off: its entry was to make the table
        if not never_used and (known is None or known.problem or known.names(run_id)):
            return False
        _enter(db, path, {"run_id": run_id, "genesis": genesis})
    return True


def enter_rest(root: Path, event: int, head: str) -> None:
    """Enters number and hash of a run's last event when an engine leaves it, where the registry names the run.

    Raises:
        StorageError: the registry cannot be read or written.
    """
    path = registry_path(root.resolve().parent)
    if not path.is_file():
        return
    with _transaction(path) as db, sentences(path):
        known = read_registry(path.parent)
        if known is not None and not known.problem and known.names(root.name):
            _enter(db, path, {"run_id": root.name, "event": event, "hash": head})


@contextmanager
def _transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """A registry that nobody else writes to meanwhile, with its table and triggers."""
    with sentences(path):
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
    with closing(db):
        with sentences(path):
            db.execute("BEGIN IMMEDIATE")
            for statement in REGISTRY_OBJECTS.values():
                kind, rest = statement.removeprefix("CREATE ").split(" ", 1)
                db.execute(f"CREATE {kind} IF NOT EXISTS {rest}")
        yield db
        with sentences(path):
            db.execute("COMMIT")


def _enter(db: sqlite3.Connection, path: Path, values: Mapping[str, Any]) -> int:
    with sentences(path):
        last, prev = _last(db, path)
        seq = last + 1
        at, payload = now(), canonical(values)
        hashed = link_hash(prev, seq, at, REGISTRY_STAGE, REGISTRY_KIND, payload)
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, at, payload, prev, hashed))
        return seq
