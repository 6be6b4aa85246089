"""When two records are the same (docs/architecture.md): equal but for times, processes, attempts and actions.

Pseudonyms differ between runs by construction (each run has a secret of its own), so each one is replaced
by its place in the pool.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from core.events import Event, Part, decode
from core.facts.stages import WORKING_KINDS
from storage.record.sealing import bodies_of, read_payload

_LEFT_OUT = (
    "engine.started",
    "engine.stopped",
    "operator.action",
    "judge.reopened",
    "settings.changed",
    "plan.deviated",
    "unit.completed",
    "head.signed",
    *WORKING_KINDS,
)


def comparable(root: Path) -> dict[str, list[str]]:
    """Events by stage and unit, of last completed attempts, without what may differ. Repeats of events that
    belong to no unit (a stage begun again) count once."""
    with sqlite3.connect(f"file:{root / 'audit.db'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT stage, kind, payload FROM events ORDER BY seq").fetchall()
        parsed = [(stage, kind, *read_payload(payload, bodies_of(db))) for stage, kind, payload in rows]
    last: dict[tuple[str, str], int] = {}
    for stage, kind, _, unit in parsed:
        if kind == "unit.completed" and unit:
            last[stage, unit[0]] = unit[1]
    places = _places(parsed)
    found: dict[str, list[str]] = {}
    for stage, kind, values, unit in parsed:
        if kind in _LEFT_OUT or (unit and last.get((stage, unit[0])) != unit[1]):
            continue
        event = decode(kind, values)
        line = json.dumps([kind, stable(event)], sort_keys=True)
        for rater_id, place in places.items():
            line = line.replace(rater_id, place)
        lines = found.setdefault(f"{stage}/{unit[0] if unit else ''}", [])
        if unit or line not in lines:
            lines.append(line)
    return found


def _places(parsed: list[tuple[str, str, dict[str, Any], Any]]) -> dict[str, str]:
    for _, kind, values, _ in parsed:
        if kind == "pairs.built":
            return {rater_id: f"rater {i}" for i, rater_id in enumerate(values.get("rater_ids", []))}
    return {}


def stable(model: Event | Part) -> dict[str, Any]:
    """The fields that two runs which are the same must share."""
    values = model.model_dump(mode="json", exclude_none=True)
    for name, field in type(model).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("volatile"):
            values.pop(name, None)
    return values


def differences(one: Path, other: Path) -> list[str]:
    """What differs, in lines; empty where the two records are the same."""
    first, second = comparable(one), comparable(other)
    lines = [f"only in one: {key}" for key in first.keys() ^ second.keys()]
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            pairs = zip(first[key], second[key], strict=False)
            at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first[key]), len(second[key])))
            lines.append(f"{key}: {first[key][at : at + 1]} != {second[key][at : at + 1]}")
    return lines
