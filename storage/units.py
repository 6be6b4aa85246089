"""Which events count: those of the last completed attempt of their unit."""

from __future__ import annotations

import sqlite3

from core.events import Event, UnitCompleted, decode
from storage.codec import parse

_OF_STAGE = "SELECT seq, kind, payload FROM events WHERE stage = ? AND payload->>'$.unit' IS NOT NULL ORDER BY seq"


def completed_units(db: sqlite3.Connection, stage: str) -> dict[str, list[tuple[int, Event]]]:
    """Numbered events of every completed unit of a stage, by unit, in the order in which the units were completed.

    Raises:
        KeyError, ValueError: an event that this version does not know, or with other fields.
    """
    last: dict[str, int] = {}
    events: dict[tuple[str, int], list[tuple[int, Event]]] = {}
    for seq, kind, payload in db.execute(_OF_STAGE, [stage]):
        values, unit = parse(payload)
        assert unit is not None, "selected by its unit"
        if kind == UnitCompleted.kind:
            last[unit[0]] = unit[1]
        else:
            events.setdefault(unit, []).append((seq, decode(kind, values)))
    return {key: events.get((key, attempt), []) for key, attempt in last.items()}
