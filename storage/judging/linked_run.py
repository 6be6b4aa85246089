"""Which run another one continues or repeats: its first event holds that run's hash, and the registry the name."""

from __future__ import annotations

import sqlite3

from storage.record.reader import Reader
from storage.verifier.vouching.entries import read_registry


def linked_run(reader: Reader) -> str | None:
    """The id of the run that this one is linked to, or the hash of its first event; None where it is to none."""
    rows = reader.query("SELECT payload->>'$.linked_to' AS first FROM events WHERE seq = 1")
    first = rows[0]["first"] if rows else None
    if not isinstance(first, str):
        return None
    named = f"the one whose first event has the hash {first[:16]}…"
    try:
        registry = read_registry(reader.folder.root.resolve().parent)
    except sqlite3.Error:
        return named  # what is wrong with a registry is for `dempo verify` to say
    found = [entry.run_id for entry in registry.entries if entry.genesis == first] if registry else []
    return found[-1] if found else named
