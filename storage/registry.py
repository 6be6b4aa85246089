"""`runs/registry.db`: one chained entry per run created, so that a missing run shows as a gap."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.codec import GENESIS_PREV, canonical, chain_hash, now
from storage.errors import sentences

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, payload TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS entries_append BEFORE INSERT ON entries
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are appended in order'); END;
CREATE TRIGGER IF NOT EXISTS entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
"""


def register(runs: Path, run_id: str, genesis_hash: str) -> None:
    """Appends a run to the registry of its folder; engines that start together take turns.

    Raises:
        StorageError: the registry cannot be written.
    """
    path = runs / "registry.db"
    with sentences(path), closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
        db.executescript(_SCHEMA)
        db.execute("BEGIN IMMEDIATE")
        last = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        seq, prev = (last[0] + 1, last[1]) if last else (1, GENESIS_PREV)
        at, payload = now(), canonical({"run_id": run_id, "genesis": genesis_hash})
        hashed = chain_hash(prev, seq, at, "registry", "run.registered", payload)
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, at, payload, prev, hashed))
        db.execute("COMMIT")
