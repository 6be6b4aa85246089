"""A forged record: events changed by somebody who knows the program, with the chain hashed anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.events import EVENTS, digest
from core.facts.chain import NO_EVENT, link_hash
from storage.demonstration import FORGED_SALT
from storage.record.codec import canonical
from storage.record.schema import OBJECTS
from storage.record.sealing import bodies_of, read_payload, sealed_values


@dataclass
class Row:
    """One event, its envelope included in `payload`."""

    at: str
    stage: str
    kind: str
    payload: dict[str, Any]


def forged(root: Path, folder: Path, change: Callable[[list[Row]], list[Row]], *blobs: bytes) -> Path:
    """A copy of a run with other events and a chain that fits them; triggers and views are as before."""
    copy = Path(shutil.copytree(root, folder / root.name))
    rewrite(copy, change, blobs)
    return copy


def rewrite(root: Path, change: Callable[[list[Row]], list[Row]], blobs: Sequence[bytes] = ()) -> None:
    """Gives a record other events and a chain that fits them; what is not changed keeps the salts of its parts.

    Args:
        blobs: texts that are added; `change` may lay further ones there.
    """
    with closing(sqlite3.connect(root / "audit.db")) as db:
        triggers = [name for name, sql in OBJECTS.items() if sql.startswith("CREATE TRIGGER")]
        found = db.execute("SELECT at, stage, kind, payload FROM events ORDER BY seq").fetchall()
        rows = [Row(at, stage, kind, _values(db, payload)) for at, stage, kind, payload in found]
        before = {(row.kind, _plain(row)): payload for row, (*_, payload) in zip(rows, found, strict=True)}
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM events")
        prev = NO_EVENT
        for seq, row in enumerate(change(rows), start=1):
            payload = before.get((row.kind, _plain(row))) or _sealed(db, row)
            hashed = link_hash(prev, seq, row.at, row.stage, row.kind, payload)
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (seq, row.at, row.stage, row.kind, payload, prev, hashed),
            )
            prev = hashed
        db.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest(blob), blob) for blob in blobs])
        for name in triggers:
            db.execute(OBJECTS[name])
        db.commit()


def _plain(row: Row) -> str:
    return json.dumps(row.payload, sort_keys=True)


def _values(db: sqlite3.Connection, payload: str) -> dict[str, Any]:
    values, unit = read_payload(payload, bodies_of(db))
    return {**values, **({} if unit is None else {"unit": unit[0], "attempt": unit[1]})}


def _sealed(db: sqlite3.Connection, row: Row) -> str:
    """The payload of an event that was changed, with its parts sealed anew."""
    if row.kind not in EVENTS:
        return canonical(row.payload)
    named, texts = sealed_values(row.kind, row.payload, lambda part, plain: FORGED_SALT)
    db.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest(text), text) for text in texts])
    return canonical(named)


def changed_first(kind: str, **values: Any) -> Callable[[list[Row]], list[Row]]:
    """Changes fields of the first event of a kind."""

    def change(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == kind).payload.update(values)
        return rows

    return change
