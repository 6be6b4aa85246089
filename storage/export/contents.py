"""What a bundle says about a run in small files: events as lines, signed heads, configuration, versions, facts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.events import EngineStarted, EngineStopped, HeadSigned
from core.facts.sealed import SEALED
from core.facts.tables import WITHHELD
from core.program.provenance import program_version, provenance
from storage.errors import StorageError
from storage.record.codec import artifacts_in, canonical, parse
from storage.record.sealing import bodies_of, read_payload
from storage.signatures.heads import as_json
from storage.verifier.vouching.kept import head_in
from storage.verifier.vouching.ssh_signature import fingerprint


@dataclass(frozen=True)
class RunFacts:
    """What the record says of the run as a whole; `data` are name, sha256 and bytes of the files that it read."""

    run_id: str
    name: str
    status: str
    detail: str
    started: str
    ended: str
    program: str
    seq: int
    head: str
    data: tuple[dict[str, Any], ...]


def facts_of(db: sqlite3.Connection) -> RunFacts:
    """The facts of a record.

    Raises:
        StorageError: the record holds no event.
    """
    at, genesis = _genesis(db)
    engines = engines_of(db)
    status = db.execute("SELECT status FROM run").fetchone()
    seq, ended, head = db.execute("SELECT seq, at, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    stop = db.execute("SELECT payload FROM events WHERE kind = ? ORDER BY seq DESC", [EngineStopped.kind]).fetchone()
    return RunFacts(
        run_id=str(genesis.get("run_id")),
        name=str(genesis.get("name")),
        status=str(status[0]) if status else "created",
        detail=_why_ended(read_payload(stop[0], bodies_of(db))[0]) if stop else "",
        started=at,
        ended=ended,
        program=str(engines[-1]["program"]) if engines else program_version(),
        seq=seq,
        head=head,
        data=tuple(_data_files(db)),
    )


def _why_ended(stopped: dict[str, Any]) -> str:
    """The reason of the last engine, where it is here."""
    return str(stopped["reason"]) if "reason" in stopped else f"the reason is {WITHHELD}" if SEALED in stopped else ""


def write_events(db: sqlite3.Connection, path: Path) -> Path:
    """Writes every event as a line; returns `path`."""
    with path.open("wb") as out:
        out.writelines(event_lines(db))
    return path


def event_lines(db: sqlite3.Connection) -> Iterator[bytes]:
    """Every event as a line of canonical JSON with all seven columns."""
    columns = ("seq", "at", "stage", "kind", "payload", "prev", "hash")
    for row in db.execute(f"SELECT {', '.join(columns)} FROM events ORDER BY seq"):
        yield canonical(dict(zip(columns, row, strict=True))).encode() + b"\n"


def small_files(db: sqlite3.Connection) -> dict[str, str]:
    """Name and text of the resolved configuration, the versions, the signed heads and the public keys.

    Raises:
        StorageError: the record holds no event.
    """
    _, genesis = _genesis(db)
    exporter = {"dempo": program_version(), "files": provenance().files, "sqlite": sqlite3.sqlite_version}
    files = {
        "config.resolved.json": _json(genesis.get("config")),
        "versions.json": _json({"engines": engines_of(db), "exporter": exporter}),
    }
    for signed, values in _heads(db):
        files[f"heads/{signed.seq}.json"] = _json(values)
        name = hashlib.sha256(signed.public_key.encode()).hexdigest()[:16]
        files[f"keys/{name}.pub"] = f"{signed.public_key}\n"
    return files


def signers_of(db: sqlite3.Connection) -> tuple[str, ...]:
    """Fingerprint of every key that a head of this record is signed with, as far as the record says."""
    found = {}
    for signed, _ in _heads(db):
        try:
            found[fingerprint(signed.public_key)] = signed.seq
        except ValueError:
            continue  # the check of signatures names it
    return tuple(found)


def artifacts_of(db: sqlite3.Connection) -> Iterator[str]:
    """SHA-256 name of every artifact that an event refers to, each once."""
    seen: set[str] = set()
    body_of = bodies_of(db)
    rows = "SELECT payload FROM events WHERE instr(payload, 'media_type') OR instr(payload, 'sealed') ORDER BY seq"
    for (payload,) in db.execute(rows):
        values = read_payload(payload, body_of)[0]
        for name in artifacts_in(values):
            if name not in seen:
                seen.add(name)
                yield name


def _heads(db: sqlite3.Connection) -> Iterator[tuple[HeadSigned, dict[str, Any]]]:
    """Every signed head as a file that can be kept elsewhere; one that is no head is passed over."""
    first = db.execute("SELECT payload, hash FROM events WHERE seq = 1").fetchone()
    for (payload,) in db.execute("SELECT payload FROM events WHERE kind = ? ORDER BY seq", [HeadSigned.kind]):
        try:
            signed = HeadSigned.model_validate(parse(payload)[0])
            head = head_in(parse(first[0])[0]["run_id"], first[1], signed.payload())
        except (ValueError, KeyError):
            continue  # the check of signatures names it; a bundle of a damaged record can still be made
        yield signed, as_json(head, signed)


def _genesis(db: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    row = db.execute("SELECT at, payload FROM events WHERE seq = 1").fetchone()
    if row is None:
        raise StorageError("the record holds no event; there is nothing to export")
    return row[0], parse(row[1])[0]


def engines_of(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """What every engine said of itself when it took the run, in order."""
    rows = db.execute("SELECT at, payload FROM events WHERE kind = ? ORDER BY seq", [EngineStarted.kind])
    return [{"at": at, **parse(payload)[0]} for at, payload in rows]


def _data_files(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    for (payload,) in db.execute("SELECT payload FROM events WHERE kind IN ('pairs.built', 'pool.built') ORDER BY seq"):
        yield from json.loads(payload).get("files", [])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
