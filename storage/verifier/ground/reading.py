"""Reading a record that nobody vouches for: once, read-only, only its tables `events` and `blobs`, within bounds.

Its own views and triggers are never used: they come from the party that is audited. A value of more than
64 MiB, five minutes of computing or more payload than fits in memory end in a sentence.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from core.facts.chain import NO_EVENT, link_hash
from core.facts.formats import PROGRAM_ID
from core.facts.sealed import SALT, SEALED
from storage.verifier.ground.payloads import parsed
from storage.verifier.ground.possible import impossible
from storage.verifier.ground.record import (
    COUNTED_ONLY,
    HASHED_KINDS,
    KEPT_FIELDS,
    SIGNED_HEAD,
    Found,
    Misfit,
    Record,
    Values,
    WriterFacts,
)
from storage.verifier.ground.shapes import Shape, known_part, misfit, without

LARGEST_TABLE_VALUE = 64 * 1024**2
LARGEST_MEMORY = 128 * 1024**2
"""Bytes of payloads that are kept at the same time; an ordinary run has some megabytes."""

SMALL_PAYLOAD = 512
"""What an event counts of which only some fields are kept."""

PATIENCE = 300.0
"""Seconds of computing that all queries may take together; a slow disk or a process that is stopped spends none."""

STEPS_BETWEEN_LOOKS = 100_000
"""Instructions of SQLite's machine after which the clock is looked at."""

MANIFEST_NAME = "manifest.sha256"

FOREIGN_MARKS = (
    "ro-crate-metadata.json",
    "imported.json",
    MANIFEST_NAME,
    "events.jsonl",
    "config.resolved.json",
    "versions.json",
)
"""Beside a record that came in a bundle: it is opened as unchanging, so that no journal beside it is replayed."""

EVENTS_IN_ORDER = "SELECT seq, at, stage, kind, payload, prev, hash FROM events NOT INDEXED ORDER BY seq"

_OTHER_TABLES = "the tables are not those that this program writes, so they were not read"

_HINDRANCES = (
    "access permission denied",
    "database is locked",
    "database table is locked",
    "out of memory",
    "attempt to write a readonly database",
    "interrupted",
    "disk I/O error",
    "database or disk is full",
    "unable to open database file",
    "locking protocol",
    "string or blob too big",
)
"""How SQLite begins to say so; Python has its numbers only since 3.11. Among them: a journal that is left to roll back,
which nobody who may not write can do, and a disk that fails."""

Row = tuple[int, str, str, str, str, str, str]


def read_record(database: Path, facts: WriterFacts) -> Record:
    """Reads a record from its file; whatever is wrong with it is noted in the record, and nothing is raised."""
    record = Record(database.resolve(), facts)
    collects = gc.isenabled()
    gc.disable()  # a hundred thousand small tables and no garbage: the collector would look at all of them many times
    try:
        with closing(opened_safely(database)) as db:
            _read_integrity(record, db)
            if _read_schema(record, db):
                _read_events(record, db)
                _read_blobs(record, db)
            else:
                wrong = record.schema_wrong
                record.hindered = wrong is not None and wrong.newer
                record.problem = wrong.told if wrong and wrong.newer else _OTHER_TABLES
    except (sqlite3.Error, OSError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        record.problem = f"the database cannot be read: {error or type(error).__name__}"
        record.hindered = is_hindrance(error)
    finally:
        if collects:
            gc.enable()
    return record


def is_hindrance(error: BaseException) -> bool:
    """Whether reading failed for want of time, memory or permission, and not by what the record holds."""
    if isinstance(error, sqlite3.Error):
        return str(error).startswith(_HINDRANCES)
    return isinstance(error, (OSError, MemoryError))


def opened_safely(database: Path) -> sqlite3.Connection:
    """A connection that cannot write and gives up after `PATIENCE`; a folder that is read-only is no obstacle."""
    uri = database.resolve().as_uri()
    if not is_foreign(database.parent):
        try:
            return _guarded(f"{uri}?mode=ro")
        except sqlite3.OperationalError:
            if os.access(database.parent, os.W_OK) or database.with_name(f"{database.name}-wal").exists():
                raise
    return _guarded(f"{uri}?mode=ro&immutable=1")


def is_foreign(root: Path) -> bool:
    """Whether a record came in a bundle."""
    return any((root / mark).exists() or (root / mark).is_symlink() for mark in FOREIGN_MARKS)


def holds_record(root: Path) -> bool | None:
    """Whether a folder has something by the name of a record; None where nobody here may look into the folder."""
    try:
        os.lstat(root / "audit.db")
    except PermissionError:
        return None
    except OSError:
        return False
    return True


def _guarded(uri: str) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)
    try:
        if hasattr(db, "setlimit"):  # since Python 3.11; before, the memory that a long value takes is the limit
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_TABLE_VALUE)
            db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        end = time.thread_time() + PATIENCE
        db.set_progress_handler(lambda: int(time.thread_time() > end), STEPS_BETWEEN_LOOKS)
        # Bytes that are no UTF-8 survive as surrogates, so that every hash is over what the file holds.
        db.text_factory = lambda body: body.decode("utf-8", "surrogateescape")
        for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute("BEGIN")  # one snapshot: an engine may be writing
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _read_integrity(record: Record, db: sqlite3.Connection) -> None:
    try:
        record.integrity = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError) as error:
        record.integrity = str(error)
        record.hindered = is_hindrance(error)


# ------------------------------------------------------------ the schema


def _read_schema(record: Record, db: sqlite3.Connection) -> bool:
    """Compares the schema with what the program writes; whether the two tables may be read."""
    tables = record.facts.tables
    record.version = db.execute("PRAGMA user_version").fetchone()[0]
    record.schema_wrong = wrong_schema(db, record.facts)
    rows = _schema_rows(db)
    views = schema_digest({str(name): str(sql) for kind, name, _, sql in rows if kind == "view"})
    record.views = next((version for version, digest in record.facts.released.items() if digest == views), 0)
    record.objects = len({str(name) for _, name, _, sql in rows if sql is not None})
    found = [(kind, name, sql) for kind, name, _, sql in rows if name in tables]
    return sorted(found) == sorted(("table", name, sql) for name, sql in tables.items())


def wrong_schema(db: sqlite3.Connection, facts: WriterFacts) -> Misfit | None:
    """What differs from a record that the program writes; None where nothing does.

    Stricter than comparing names with SQL: a row of `sqlite_master` may lie about its type, share a name, or hold
    no SQL at all.
    """
    rows = _schema_rows(db)
    written = [row for row in rows if row[3] is not None]
    told = _wrong_mark(db) or _forged(rows)
    if not told and len({str(name) for _, name, *_ in written}) != len(written):
        told = "two objects have one name"
    return Misfit(told) if told else _differing(db, written, facts)


def _schema_rows(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return db.execute("SELECT type, name, rootpage, sql FROM sqlite_master LIMIT 1000").fetchall()


def _wrong_mark(db: sqlite3.Connection) -> str:
    if db.execute("PRAGMA application_id").fetchone()[0] != PROGRAM_ID:
        return "the database does not carry the mark of a run's record (application_id)"
    encoding = db.execute("PRAGMA encoding").fetchone()[0]
    return "" if encoding == "UTF-8" else f"the database is in {encoding} instead of UTF-8"


def _forged(rows: list[tuple[Any, ...]]) -> str:
    """Rows of sqlite_master that lie about what they are, or indexes that the program didn't make."""
    for kind, name, page, sql in rows:
        if sql is None:
            if (kind, name) != ("index", "sqlite_autoindex_blobs_1"):
                return f"the database holds {kind} {str(name)[:80]!r}, which no SQL describes"
        elif str(sql).split(maxsplit=2)[1:2] != [str(kind).upper()] or bool(page) != (kind in ("table", "index")):
            return f"the schema's entry for {str(name)[:80]!r} is forged"
    hidden = sum(sql is None for *_, sql in rows)
    return "" if hidden == 1 else f"the database holds {hidden} indexes that no SQL describes instead of one"


def _differing(db: sqlite3.Connection, written: list[tuple[Any, ...]], facts: WriterFacts) -> Misfit | None:
    """Tables, indexes and triggers belong to the version of the schema; views are those of any version of their own."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > facts.version:
        return Misfit(f"schema version {version} is newer than {facts.version}; use a newer dempo", newer=True)
    if version != facts.version:
        return Misfit(f"there is no schema version {version}")
    views = {str(name): str(sql) for kind, name, _, sql in written if kind == "view"}
    newest_views = {name: text_digest(sql) for name, sql in facts.views.items()}
    others = {str(name): str(sql) for _, name, _, sql in written if name not in views}
    released = schema_digest(views) in facts.released.values()
    wrong = _other_names(others, facts.objects)
    if wrong:
        further = "" if released else f", {_other_names(views, newest_views)}"
        return Misfit(f"these differ from what version {version} writes: {wrong}{further}")
    if released:
        return None
    newest, claimed = max(facts.released), _views_claimed(db)
    if claimed > newest:
        return Misfit(f"views of version {claimed} are newer than {newest}; use a newer dempo", newer=True)
    return Misfit(
        f"these views are of no version of the program: {_other_names(views, newest_views) or 'all together'}"
    )


def _other_names(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    digests = {name: text_digest(sql) for name, sql in found.items()}
    return ", ".join(sorted(name for name in digests.keys() | expected if digests.get(name) != expected.get(name)))


def _views_claimed(db: sqlite3.Connection) -> int:
    """The version of the views that the first event names; 1 where it cannot be read."""
    row = db.execute("SELECT payload FROM main.events NOT INDEXED WHERE seq = 1").fetchone()
    try:
        claimed = parsed(row[0]).get("views", 1) if row and isinstance(row[0], str) else 1
    except ValueError:
        return 1
    return claimed if isinstance(claimed, int) else 1


def schema_digest(objects: Mapping[str, str]) -> str:
    """SHA-256 over the names and the exact SQL of everything in a database."""
    return text_digest(json.dumps(dict(objects), sort_keys=True))


def text_digest(text: str) -> str:
    """SHA-256 of a text as the file holds it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


# ------------------------------------------------------------ the events


def _read_events(record: Record, db: sqlite3.Connection) -> None:
    expected, prev = 1, NO_EVENT
    for row in db.execute(EVENTS_IN_ORDER):
        seq = row[0]
        wrong = wrong_link(row, expected, prev)
        if wrong is not None and record.chain_wrong is None:
            record.chain_wrong = wrong
        if not all(isinstance(value, str) for value in row[1:]):
            continue
        record.times.add(seq, row[1])
        _read_event(record, row, db)
        expected, prev = seq + 1, row[6]
        record.hashes.append(prev)
        record.count += 1


def wrong_link(row: Row, expected: int, prev: str) -> tuple[str, int] | None:
    """Why an event is not the next one of a chain, and the number of the event that shows it; None where it is."""
    seq, at, stage, kind, payload, stored_prev, stored = row
    if seq != expected:
        return f"event {expected} is missing", expected
    if not all(isinstance(value, str) for value in row[1:]):
        return f"event {seq} holds something else than texts", seq
    if stored_prev != prev:
        return f"event {seq} does not follow event {seq - 1}", seq
    if link_hash(prev, seq, at, stage, kind, payload) != stored:
        return f"event {seq} ({kind[:40]!r}) was changed", seq
    return None


def _read_event(record: Record, row: Row, db: sqlite3.Connection) -> None:
    """Keeps what checks need of one event; an event that is none of its kind counts for nothing."""
    seq, at, stage, kind, payload = row[:5]
    values, shape = Values(), record.facts.kinds.get(kind)
    unit, attempt, wrong = None, 0, _wrong_text(at, stage, kind, payload)
    if not wrong:
        try:
            values = Values(parsed(payload))
            unit, attempt = _envelope(values)
            _note_references(record, values, seq)
            if shape is not None:
                record.kept_bytes += _open_parts(values, shape, record.facts.sealed.get(kind, {}), db)
        except ValueError as error:
            wrong = f"its payload is not one that this program writes: {error}"
    if not wrong and shape is None:  # what it means to stages and units, only a later version knows
        record.newer = record.newer or (f"event {seq}, of the kind {kind[:40]!r},", seq)
        return
    misfitting = None if wrong else misfit(values, without(shape, values.absent))
    if misfitting is not None:
        values = known_values(values, shape)
        if misfit(values, without(shape, values.absent)) is None:
            record.newer = record.newer or (f"event {seq}, a {kind!r} ({misfitting}),", seq)
        else:
            wrong = f"its fields are not those of {kind!r} ({misfitting})"
    if wrong:
        record.shape_wrong = record.shape_wrong or (f"event {seq}: {wrong}", seq)
        if kind == SIGNED_HEAD:
            record.misshapen_heads.append(seq)
        return
    record.absent_parts.update(values.absent.values())
    below = impossible(values)
    if below and record.impossible is None:
        record.impossible = (f"event {seq}, {kind!r}: {below}", seq)
    record.ledger.add(seq, stage, kind, values, unit, attempt)
    _note_references(record, values, seq)
    if kind == SIGNED_HEAD:
        record.signed_at[seq] = at
    if kind not in COUNTED_ONLY:
        _keep(record, Found(seq, stage, kind, unit, attempt, values, payload))


def _open_parts(values: Values, shape: Shape, parts: Mapping[str, tuple[str, ...]], db: sqlite3.Connection) -> int:
    """Puts the fields of sealed parts beside the others, and notes those that are not here; bytes that were read.

    What a part has that its kind does not know stays among the values, and a part that the kind does not know stays
    named: a newer program may write both.

    Raises:
        ValueError: a part is none, or says what stands elsewhere.
    """
    known = {name.rstrip("?") for name in shape}
    named = values.pop(SEALED, {})
    if not isinstance(named, dict):
        raise ValueError("its sealed parts are no table")
    plain = [name for fields in parts.values() for name in fields if name in values]
    if plain:
        raise ValueError(f"{plain[0]!r} belongs into a sealed part")
    size = 0
    absent: dict[str, str] = {}
    for part, reference in named.items():
        if not isinstance(reference, dict) or not isinstance(reference.get("sha256"), str):
            raise ValueError(f"its sealed part {part[:40]!r} names no text")
        if part not in parts:
            values[SEALED] = named
            continue
        row = db.execute("SELECT body FROM blobs WHERE sha256 = ?", [reference["sha256"]]).fetchone()
        if row is None or _is_changed(reference["sha256"], row[0]):  # the check of the texts says which
            absent.update(dict.fromkeys(parts[part], str(part)))
            continue
        size += len(row[0])
        inner = parsed(row[0].decode("utf-8"))
        if not isinstance(inner.pop(SALT, None), str) or inner.keys() & (values.keys() | known - set(parts[part])):
            raise ValueError(f"its sealed part {part!r} has no salt, or fields that are not its own")
        values.update(inner)
    values.absent = absent
    return size


def _is_changed(key: str, body: Any) -> bool:
    return not isinstance(body, bytes) or hashlib.sha256(body).hexdigest() != key


def known_values(values: Values, shape: Shape) -> Values:
    """The values without the fields that their kind does not name."""
    found = Values(known_part(values, shape))
    found.absent = values.absent
    return found


def _wrong_text(*texts: str) -> str:
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "it holds bytes that are not UTF-8"
    return ""


def _envelope(values: Values) -> tuple[str | None, int]:
    """Takes unit and attempt out of a payload: the unit is None where the event belongs to none."""
    if "unit" not in values and "attempt" not in values:
        return None, 0
    unit, attempt = values.pop("unit", None), values.pop("attempt", None)
    if not isinstance(unit, str) or not isinstance(attempt, int) or isinstance(attempt, bool) or attempt < 1:
        raise ValueError("unit and attempt are no text and no number from 1")
    return unit, attempt


def _keep(record: Record, found: Found) -> None:
    fields = KEPT_FIELDS.get(found.kind)
    record.kept_bytes += SMALL_PAYLOAD if fields else len(found.payload)
    if record.kept_bytes > LARGEST_MEMORY:
        raise MemoryError(f"it holds more than {LARGEST_MEMORY // 1024**2} MiB of what has to be checked together")
    values = found.values
    if fields:
        values = Values((name, found.values[name]) for name in fields if name in found.values)
        values.absent = found.values.absent
    payload = found.payload if found.kind in HASHED_KINDS else ""
    kept = Found(found.seq, found.stage, found.kind, found.unit, found.attempt, values, payload)
    record.kept.setdefault(found.kind, []).append(kept)


def _note_references(record: Record, values: Any, seq: int) -> None:
    """Notes every text and artifact that a payload refers to."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [inner for inner in value if isinstance(inner, (dict, list))]
        elif value.keys() == {"sha256", "bytes", "media_type"}:
            record.artifacts.setdefault(str(value["sha256"]), (value["bytes"], seq))
        elif "sha256" in value and value.keys() <= {"sha256", "shown"}:
            exact, shown = str(value["sha256"]), str(value.get("shown", value["sha256"]))
            record.references.setdefault(exact, seq)
            record.references.setdefault(shown, seq)
            if record.shown.setdefault(exact, (shown, seq))[0] != shown and record.blob_wrong is None:
                record.blob_wrong = (f"event {seq} shows text {exact} as another than before", seq)
        else:
            waiting += [inner for inner in value.values() if isinstance(inner, (dict, list))]


# ------------------------------------------------------------ the texts


def _read_blobs(record: Record, db: sqlite3.Connection) -> None:
    seen: set[str] = set()
    for key, body in db.execute("SELECT sha256, body FROM blobs NOT INDEXED"):
        wrong = _wrong_blob(record, key, body)
        if wrong is not None and record.blob_wrong is None:
            record.blob_wrong = wrong
        seen.add(key)
    record.blobs = len(seen)
    record.missing = sorted((seq, key) for key, seq in record.references.items() if key not in seen)


def _wrong_blob(record: Record, key: Any, body: Any) -> tuple[str, int | None] | None:
    if not isinstance(key, str) or not isinstance(body, bytes):
        return "a text is stored under something that is no text, or is itself no bytes", None
    if _is_changed(key, body):
        return f"blob {key[:64]} was changed", record.references.get(key)
    if key in record.shown:
        shown, seq = record.shown[key]
        if hashlib.sha256(readable(body)).hexdigest() != shown:
            return f"event {seq} shows another text than {key}, which it refers to", seq
    return None


def readable(body: bytes) -> bytes:
    """A text as views show it: NUL and what is no UTF-8 as U+FFFD."""
    return body.decode("utf-8", "replace").replace("\0", "\ufffd").encode()
