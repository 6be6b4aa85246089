"""The registry beside the runs of a folder: a chained entry for each run created, so that a missing run shows, and for
each engine that ended, so that a run that was set back shows.

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
from storage.verifier.ground.record import SIGNED_HEAD, Record
from storage.verifier.vouching.kept import KeptHead

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
    hash: str
    run_id: str
    genesis: str


@dataclass(frozen=True)
class Rest:
    """A run as an engine left it, or as it was removed: number and hash of its last event."""

    seq: int
    hash: str
    run_id: str
    event: int
    head: str
    removed: str | None = None
    """Why it was removed (may be empty); None where it was not."""


@dataclass(frozen=True)
class Registry:
    """A registry up to the first entry that breaks its chain, and what is wrong there ("" if nothing)."""

    everything: tuple[Entry | Rest, ...]
    problem: str

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The runs that were created, in their order."""
        return tuple(entry for entry in self.everything if isinstance(entry, Entry))

    def names(self, run_id: str) -> bool:
        """Whether a run was created here."""
        return any(entry.run_id == run_id for entry in self.entries)

    def rests_of(self, run_id: str) -> list[Rest]:
        """How its engines left a run."""
        return [rest for rest in self.everything if isinstance(rest, Rest) and rest.run_id == run_id]


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
    entries: list[Entry | Rest] = []
    prev = NO_EVENT
    rows = db.execute("SELECT seq, at, payload, prev, hash FROM entries ORDER BY seq")
    for expected, (seq, at, payload, stored_prev, stored) in enumerate(rows, 1):
        if seq != expected:
            return Registry(tuple(entries), f"entry {expected} is missing")
        if stored_prev != prev or link_hash(prev, seq, at, REGISTRY_STAGE, REGISTRY_KIND, payload) != stored:
            return Registry(tuple(entries), f"entry {seq} was changed")
        prev = stored
        entry = _entry_of(seq, stored, payload)
        if entry is None:
            return Registry(tuple(entries), f"entry {seq} names no run")
        entries.append(entry)
    return Registry(tuple(entries), "")


def _entry_of(seq: int, stored: str, payload: str) -> Entry | Rest | None:
    try:
        values = parsed(payload)
    except ValueError:
        return None
    run_id, genesis, event, head = (values.get(name) for name in ("run_id", "genesis", "event", "hash"))
    if isinstance(run_id, str) and isinstance(genesis, str):
        return Entry(seq, stored, run_id, genesis)
    if isinstance(run_id, str) and isinstance(event, int) and isinstance(head, str):
        removed = values.get("removed")
        return Rest(seq, stored, run_id, event, head, removed if isinstance(removed, str) else None)
    return None


def check_registry(record: Record, kept: KeptHead | None) -> str:
    """The registry is chained and whole; it names this run with its first event and holds every entry that the run's
    first event, its signed heads and a kept head name; the run holds all that its engines left; and every run that the
    registry names is there."""
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
    _require_named_entries(record, kept, registry, entries[0].seq)
    _require_rests(record, registry.rests_of(record.root.name))
    return _neighbours(registry, record.root.parent)


def _require_named_entries(record: Record, kept: KeptHead | None, registry: Registry, own: int) -> None:
    """What heads and the first event say of the registry: they cover every run that was made here before."""
    places = {NO_EVENT: 0} | {entry.hash: entry.seq for entry in registry.everything}
    first = record.genesis.get("registry", NO_EVENT)
    if places.get(first, own) >= own:
        told = "the entry that stood before this run when it was made is gone: entries were removed or written anew"
        raise broken(f"{REGISTRY_NAME}: {told}", 1)
    heads: list[tuple[str, str, int | None]]
    heads = [(event.values["registry"], "a signed head", event.seq) for event in record.kept.get(SIGNED_HEAD, ())]
    if kept is not None and kept.head is not None:
        heads.append((kept.head.registry, "the head that was kept", None))
    for entry, who, seq in heads:
        if entry not in places:
            told = f"the entry that {who} names as the last one is gone: entries were removed or written anew"
            raise broken(f"{REGISTRY_NAME}: {told}", seq)


def _require_rests(record: Record, rests: Sequence[Rest]) -> None:
    """The run holds the event at which each of its engines left it."""
    for rest in rests:
        if rest.event > record.count:
            if rest.event <= _events_now(record):
                continue  # an engine was at work while the record was read
            told = (
                f"an engine left this run at event {rest.event}, and it ends at event {record.count}: it was set back"
            )
            raise broken(f"{REGISTRY_NAME}, entry {rest.seq}: {told}", record.count + 1)
        if not 1 <= rest.event <= record.intact or record.hashes[rest.event - 1] != rest.head:
            told = f"an engine left this run with another event {rest.event}"
            raise broken(f"{REGISTRY_NAME}, entry {rest.seq}: {told}", rest.event)


def _events_now(record: Record) -> int:
    try:
        with closing(opened_safely(record.database)) as db:
            return int(db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
    except sqlite3.Error:
        return 0


def _neighbours(registry: Registry, runs: Path) -> str:
    """Whether the other runs that were made here are here.

    This record is none the worse for it, so the verdict is "unknown": only people can say what became of the others,
    also of those that `dempo remove` removed, whose last event and reason the registry has.
    """
    looked = _looked_into(runs)
    present = {name for name, found in looked.items() if found and not is_foreign(runs / name)}
    listed = [entry.run_id for entry in registry.entries]
    closed = [run_id for run_id in listed if run_id in looked and looked[run_id] is None]
    missing = [run_id for run_id in listed if run_id not in present and run_id not in closed]
    if missing:
        raise Finding("unknown", f"of {len(listed)} runs made here, {_gone(registry, missing)}")
    if closed:
        told = f"of {len(listed)} runs made here, these cannot be looked into ({len(closed)}): {_some_of(closed)}"
        raise Finding("unknown", told)
    told = f"runs made here: {len(listed)}, each of them is there, and this one begins with the event that was entered"
    unlisted = sorted(present - set(listed))
    if unlisted:
        raise Finding("unknown", f"{told}; not in {REGISTRY_NAME}: {_some_of(unlisted)}")
    return told


def _gone(registry: Registry, missing: Sequence[str]) -> str:
    """What became of runs that are not here: those that nobody knows of first."""
    removed = {run_id: rest for run_id in missing for rest in registry.rests_of(run_id) if rest.removed is not None}
    lost = [run_id for run_id in missing if run_id not in removed]
    told = [f"these are missing ({len(lost)}): {_some_of(lost)}"] if lost else []
    if removed:
        why = [_removed(run_id, rest) for run_id, rest in removed.items()]
        rest_of = f" and {len(why) - 5} more" if len(why) > 5 else ""
        told.append(f"these were removed by `dempo remove` ({len(why)}): {', '.join(why[:5])}{rest_of}")
    return "; ".join(told)


def _removed(run_id: str, rest: Rest) -> str:
    reason = f": {rest.removed[:80]!r}" if rest.removed else ", no reason given"
    return f"{run_id[:80]!r} (after event {rest.event}{reason})"


def _looked_into(runs: Path) -> dict[str, bool | None]:
    """Whether each folder holds a record; None for one that is closed to whoever checks."""
    try:
        return {root.name: holds_record(root) for root in runs.iterdir()}
    except OSError as error:
        raise Finding("unknown", f"the folder of the runs cannot be read: {error.strerror}") from None


def _some_of(names: Sequence[str]) -> str:
    told = ", ".join(repr(name[:80]) for name in names[:5])
    return told if len(names) <= 5 else f"{told} and {len(names) - 5} more"
