"""Checks of a record: schema, chain, blobs and artifacts. Nothing is ever written.

Each check says what it looked at, its verdict, and the first event that breaks it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from core.events import EVENTS, SCHEMA_VERSION, Event, decode, digest
from core.run_folder import RunFolder
from storage.codec import GENESIS_PREV, chain_hash, parse
from storage.errors import StorageError
from storage.reader import connect
from storage.redaction import redaction_of
from storage.schema import APPLICATION_ID, OBJECTS, OLDER, is_as_written

_SHA256 = re.compile(r"[0-9a-f]{64}")

Verdict = Literal["ok", "failed", "unknown", "withheld"]


@dataclass(frozen=True)
class Check:
    """One check: `event` is the number of the first event that breaks it."""

    name: str
    verdict: Verdict
    detail: str
    event: int | None = None

    def row(self) -> dict[str, Any]:
        """The check as a JSON row."""
        return asdict(self)


def verify(root: Path) -> list[Check]:
    """Runs every check on the run in `root`; a file that cannot be read is a failed check, not an error.

    Raises:
        StorageError: there is no record at all.
    """
    folder = RunFolder(root)
    if not folder.database.is_file():
        raise StorageError(f"{root} holds no run (audit.db is missing)")
    checks = []
    for name, check in _CHECKS.items():
        try:
            with closing(connect(folder.database)) as db:
                checks.append(check(name, db, folder))
        except sqlite3.Error as error:
            checks.append(Check(name, "failed", f"the database cannot be read: {error}"))
        except StorageError as error:
            checks.append(Check(name, "failed", str(error)))
        except (TypeError, ValueError, AttributeError, RecursionError) as error:  # a damaged row may hold anything
            told = f"the record holds what no run of this program writes ({type(error).__name__})"
            checks.append(Check(name, "failed", told))
    return checks


def _file(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    found = [row[0] for row in db.execute("PRAGMA integrity_check(1)")]
    if found != ["ok"]:
        return Check(name, "failed", f"SQLite's integrity check says: {found[0]}")
    return Check(name, "ok", "SQLite's integrity check passed")


def _schema(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    found = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        return Check(name, "failed", "the database does not carry the mark of a run's record (application_id)")
    if version != SCHEMA_VERSION and version not in OLDER and version < SCHEMA_VERSION:
        return Check(name, "failed", f"there never was a schema version {version}")
    if version > SCHEMA_VERSION:
        return Check(name, "failed", f"schema version {version} is newer than {SCHEMA_VERSION}; update dempo")
    if not is_as_written(version, found):
        wrong = sorted(key for key in found.keys() | OBJECTS.keys() if found.get(key) != OBJECTS.get(key))
        named = ", ".join(wrong) if version == SCHEMA_VERSION else "tables, indexes, triggers or views"
        return Check(name, "failed", f"these differ from what version {version} writes: {named}")
    return Check(name, "ok", f"{len(found)} tables, indexes, triggers and views are as written (version {version})")


def _chain(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    expected, prev = 1, GENESIS_PREV
    # Bytes that are no UTF-8 survive as surrogates, so that every hash is over what the file holds.
    db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
    rows = db.execute("SELECT seq, at, stage, kind, payload, prev, hash FROM events ORDER BY seq")
    for seq, at, stage, kind, payload, stored_prev, stored in rows:
        if not all(isinstance(value, str) for value in (at, stage, kind, payload, stored_prev, stored)):
            return Check(name, "failed", f"event {expected} was changed: it holds values of another kind", expected)
        if seq != expected:
            return Check(name, "failed", f"event {expected} is missing", expected)
        if stored_prev != prev:
            return Check(name, "failed", f"event {seq} does not follow event {seq - 1}", seq)
        if chain_hash(prev, seq, at, stage, kind, payload) != stored:
            return Check(name, "failed", f"event {seq} ({kind}) was changed", seq)
        expected, prev = seq + 1, stored
    if expected == 1:
        return Check(name, "failed", "the record is empty")
    return Check(name, "ok", f"{expected - 1} events, each bound to the one before; head {prev}")


def _genesis(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    row = db.execute("SELECT kind, payload FROM events WHERE seq = 1").fetchone()
    if row is None or row[0] != "run.created":
        return Check(name, "failed", "the first event does not create a run", 1)
    event = next(_decoded(db))[1]
    if isinstance(event, str):
        return Check(name, "failed", f"event 1: {event}", 1)
    run_id = event.payload().get("run_id")
    if run_id != folder.root.resolve().name:
        return Check(name, "failed", f"the record is that of run {run_id}, not of {folder.root.resolve().name}", 1)
    return Check(name, "ok", f"the record is that of run {run_id}")


def _events(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    count = 0
    for seq, event in _decoded(db):
        count += 1
        if isinstance(event, str):
            return Check(name, "failed", f"event {seq}: {event}", seq)
    return Check(name, "ok", f"{count} events are of {len(EVENTS)} known kinds and hold the fields of the catalogue")


def _blobs(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    redaction, stored, withheld = redaction_of(folder.root), set(), set()
    for key, body in db.execute("SELECT sha256, body FROM blobs"):
        stored.add(key)
        if not isinstance(body, bytes) or digest(body) != key:
            return Check(name, "failed", f"blob {key} was changed", _first_reference(db, key))
    for seq, event in _decoded(db):
        if isinstance(event, str):
            continue
        for reference in _references(event.payload(), {"shown"}):
            if reference not in stored:
                withheld.add(reference)
                if redaction is None or len(withheld) > redaction.texts:
                    return Check(name, "failed", f"event {seq} refers to blob {reference}, which is missing", seq)
    if withheld:
        told = f"{len(withheld)} texts were withheld from this copy; {len(stored)} are here and match their names"
        return Check(name, "withheld", told)
    return Check(name, "ok", f"{len(stored)} texts match their names, and every text that an event refers to is there")


def _artifacts(name: str, db: sqlite3.Connection, folder: RunFolder) -> Check:
    redaction, count, withheld = redaction_of(folder.root), 0, set()
    for seq, event in _decoded(db):
        if isinstance(event, str):
            continue
        for reference in _references(event.payload(), {"media_type"}):
            if not _SHA256.fullmatch(reference):
                return Check(name, "failed", f"event {seq} names an artifact by {reference[:80]!r}, no SHA-256", seq)
            path = folder.artifacts / reference
            if not path.is_file() and redaction is not None and reference in redaction.artifacts:
                withheld.add(reference)
                continue
            if not path.is_file():
                return Check(name, "failed", f"event {seq} refers to artifacts/{reference}, which is missing", seq)
            if digest(path.read_bytes()) != reference:
                return Check(name, "failed", f"artifacts/{reference} was changed", seq)
            count += 1
    if withheld:
        told = f"{len(withheld)} artifacts with texts were withheld from this copy; {count} match their names"
        return Check(name, "withheld", told)
    return Check(name, "ok", f"{count} artifacts match their names")


def _decoded(db: sqlite3.Connection) -> Iterator[tuple[int, Event | str]]:
    """Every event, or a sentence about why it is none."""
    for seq, kind, payload in db.execute("SELECT seq, kind, payload FROM events ORDER BY seq"):
        try:
            yield seq, decode(kind, parse(payload)[0])
        except KeyError:
            yield seq, f"its kind {kind!r} is not in the catalogue of this version"
        except (ValueError, TypeError, AttributeError, RecursionError) as error:  # a stranger's payload may be anything
            yield seq, f"its fields are not those of {kind!r} ({str(error).splitlines()[0]})"


def _references(value: Any, marks: set[str]) -> Iterator[str]:
    """SHA-256 names of the texts (mark `shown`) or artifacts (mark `media_type`) inside a payload."""
    if isinstance(value, dict):
        keys = value.keys()
        if marks == {"media_type"} and keys == {"sha256", "bytes", "media_type"}:
            yield value["sha256"]
        elif marks == {"shown"} and "sha256" in keys and keys <= {"sha256", "shown"}:
            yield from (str(v) for v in value.values())
        else:
            for inner in value.values():
                yield from _references(inner, marks)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, marks)


def _first_reference(db: sqlite3.Connection, key: str) -> int | None:
    row = db.execute("SELECT min(seq) FROM events WHERE instr(payload, ?)", [json.dumps(key)]).fetchone()
    return row[0]


_CHECKS: dict[str, Callable[[str, sqlite3.Connection, RunFolder], Check]] = {
    "file": _file,
    "schema": _schema,
    "chain": _chain,
    "genesis": _genesis,
    "events": _events,
    "blobs": _blobs,
    "artifacts": _artifacts,
}
