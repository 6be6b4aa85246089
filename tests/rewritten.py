"""A forged record: events changed by somebody who knows the program, with the chain hashed anew."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
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
    with closing(sqlite3.connect(copy / "audit.db")) as db:
        triggers = [name for name, sql in OBJECTS.items() if sql.startswith("CREATE TRIGGER")]
        found = db.execute("SELECT at, stage, kind, payload FROM events ORDER BY seq").fetchall()
        rows = []
        for at, stage, kind, payload in found:
            values, unit = read_payload(payload, bodies_of(db))
            envelope = {} if unit is None else {"unit": unit[0], "attempt": unit[1]}
            rows.append(Row(at, stage, kind, {**values, **envelope}))
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM events")
        prev = NO_EVENT
        for seq, row in enumerate(change(rows), start=1):
            named, texts = row.payload, []
            if row.kind in EVENTS:
                named, texts = sealed_values(row.kind, row.payload, lambda part, plain: FORGED_SALT)
            db.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", [(digest(text), text) for text in texts])
            payload = canonical(named)
            hashed = link_hash(prev, seq, row.at, row.stage, row.kind, payload)
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                (seq, row.at, row.stage, row.kind, payload, prev, hashed),
            )
            prev = hashed
        db.executemany("INSERT INTO blobs VALUES (?, ?)", [(digest(blob), blob) for blob in blobs])
        for name in triggers:
            db.execute(OBJECTS[name])
        db.commit()
    return copy


def changed_first(kind: str, **values: Any) -> Callable[[list[Row]], list[Row]]:
    """Changes fields of the first event of a kind."""

    def change(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == kind).payload.update(values)
        return rows

    return change
