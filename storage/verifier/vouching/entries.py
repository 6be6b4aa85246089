"""The registry beside the runs of a folder: one chained entry per run created, so that a missing run shows.

A bundle leaves it behind, so of a record that came in one the registry says nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.facts.chain import NO_EVENT, link_hash
from storage.check import Verdict
from storage.verifier.ground.finding import Finding, broken, unhindered
from storage.verifier.ground.payloads import parsed
from storage.verifier.ground.reading import holds_record, is_foreign, is_hindrance, opened_safely
from storage.verifier.ground.record import Record

REGISTRY_NAME = "registry.db"
REGISTRY_STAGE, REGISTRY_KIND = "registry", "run.registered"
"""What is hashed with every entry where an event has its stage and its kind."""

REGISTRY_OBJECTS = {
    "entries": """CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, payload TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
) STRICT""",
    "entries_append": """CREATE TRIGGER entries_append BEFORE INSERT ON entries
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'entries are appended in order'); END""",
    "entries_no_update": """CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    "entries_no_delete": """CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END""",
}
"""The SQL of everything in a registry."""


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


def read_registry(runs: Path) -> Registry | None:
    """The registry of a folder of runs, its schema and chain checked; None where there is none.

    Raises:
        sqlite3.Error: the file is damaged or no database.
    """
    path = runs / REGISTRY_NAME
    if not path.is_file():
        return None
    with closing(opened_safely(path)) as db:
        if dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 100")) != REGISTRY_OBJECTS:
            return Registry((), "its table or its triggers are not as written")
        return _entries_in(db)


def _entries_in(db: sqlite3.Connection) -> Registry:
    entries: list[Entry] = []
    prev = NO_EVENT
    rows = db.execute("SELECT seq, at, payload, prev, hash FROM entries ORDER BY seq")
    for expected, (seq, at, payload, stored_prev, stored) in enumerate(rows, 1):
        if seq != expected:
            return Registry(tuple(entries), f"entry {expected} is missing")
        if stored_prev != prev or link_hash(prev, seq, at, REGISTRY_STAGE, REGISTRY_KIND, payload) != stored:
            return Registry(tuple(entries), f"entry {seq} was changed")
        prev = stored
        named = _named_run(payload)
        if named is None:
            return Registry(tuple(entries), f"entry {seq} names no run")
        entries.append(Entry(seq, at, *named))
    return Registry(tuple(entries), "")


def _named_run(payload: str) -> tuple[str, str] | None:
    try:
        values = parsed(payload)
        run_id, genesis = values["run_id"], values["genesis"]
    except (ValueError, KeyError):
        return None
    return (run_id, genesis) if isinstance(run_id, str) and isinstance(genesis, str) else None


def check_registry(record: Record) -> str:
    """The registry is chained and whole, names this run with its first event, and every run that it names is there."""
    if is_foreign(record.root):
        told = "the record came in a bundle; the registry of the folder that its run was made in stayed there"
        raise Finding("unknown", told)
    try:
        registry = read_registry(record.root.parent)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        verdict: Verdict = "unchecked" if is_hindrance(error) else "failed"
        raise Finding(verdict, f"{REGISTRY_NAME} cannot be read: {error}") from None
    if registry is None:
        told = f"the folder of this run has no {REGISTRY_NAME}, so a missing run would not show"
        raise Finding("unknown", told)
    if registry.problem:
        raise broken(f"{REGISTRY_NAME}: {registry.problem}")
    entries = [entry for entry in registry.entries if entry.run_id == record.root.name]
    if not entries:
        raise broken(f"{REGISTRY_NAME} does not name this run: it was copied here, or the registry was cut")
    unhindered(record)
    if len(entries) > 1 or not record.intact or entries[0].genesis != record.hashes[0]:
        raise broken(f"{REGISTRY_NAME}, entry {entries[-1].seq}, says that this run began otherwise", 1)
    return _neighbours(registry, record.root.parent)


def _neighbours(registry: Registry, runs: Path) -> str:
    """Whether the other runs that were made here are here.

    This record is none the worse for it, so the verdict is "unknown": only people can say what became of the others.
    """
    looked = _looked_into(runs)
    present = {name for name, found in looked.items() if found and not is_foreign(runs / name)}
    listed = [entry.run_id for entry in registry.entries]
    closed = [run_id for run_id in listed if run_id in looked and looked[run_id] is None]
    missing = [run_id for run_id in listed if run_id not in present and run_id not in closed]
    if missing:
        told = f"of {len(listed)} runs made here, these are missing ({len(missing)}): {_some_of(missing)}"
        raise Finding("unknown", told)
    if closed:
        told = f"of {len(listed)} runs made here, these cannot be looked into ({len(closed)}): {_some_of(closed)}"
        raise Finding("unknown", told)
    told = f"runs made here: {len(listed)}, each of them is there, and this one begins with the event that was entered"
    unlisted = sorted(present - set(listed))
    if unlisted:
        raise Finding("unknown", f"{told}; not in {REGISTRY_NAME}: {_some_of(unlisted)}")
    return told


def _looked_into(runs: Path) -> dict[str, bool | None]:
    """Whether each folder holds a record; None for one that is closed to whoever checks."""
    try:
        return {root.name: holds_record(root) for root in runs.iterdir()}
    except OSError as error:
        raise Finding("unknown", f"the folder of the runs cannot be read: {error.strerror}") from None


def _some_of(names: Sequence[str]) -> str:
    told = ", ".join(repr(name[:80]) for name in names[:5])
    return told if len(names) <= 5 else f"{told} and {len(names) - 5} more"
