"""Is a repeated event the recorded one? Exactly, or within a tolerance; and what differs, with both numbers."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.events import EVENTS
from core.facts.sealed import SEALED
from storage.record.codec import canonical
from storage.replay.repetition import Line, Repeated

ReplayVerdict = Literal[
    "same", "agrees", "drift", "unchecked", "changed version", "recorded", "not compared", "not replayed"
]
"""same: byte for byte (fields that may differ between equal runs set aside); agrees: within what the grade
asks for; drift: neither; unchecked: made by another rule than this program's, a newer one; changed
version: differs because the stage's code is another version; recorded: shown as recorded, there is nothing to
repeat; not compared: repeated, but there is nothing left to compare with; not replayed: the repetition was not
asked for, or could not be made."""

_TOLD = 3
_SHOWN = 70


@dataclass(frozen=True)
class EventVerdict:
    """A verdict on one event, and why, in words and numbers."""

    verdict: ReplayVerdict
    detail: str = ""


@dataclass(frozen=True)
class Compared:
    """What replay says of one event; `event` is None for one that was repeated but is not in the record."""

    event: int | None
    stage: str
    unit: str | None
    kind: str
    grade: str
    verdict: ReplayVerdict
    detail: str


Rule = Callable[[Line, Repeated], EventVerdict]


def paired(lines: Sequence[Line], repeated: Sequence[Repeated]) -> list[tuple[Line | None, Repeated | None]]:
    """The n-th recorded event of a kind beside the n-th repeated one; those without a partner beside None."""
    waiting: dict[str, deque[Repeated]] = defaultdict(deque)
    for again in repeated:
        waiting[again.kind].append(again)
    found = [(line, waiting[line.kind].popleft() if waiting[line.kind] else None) for line in lines]
    return [*found, *((None, again) for queue in waiting.values() for again in queue)]


def exactly(line: Line, again: Repeated) -> EventVerdict:
    """Same where the canonical JSON is, volatile fields set aside.

    Agrees where only fields are absent that a later version added, and their defaults are what was repeated.
    """
    again = _as_far_as_here(line, again)
    expected = _settled(again.kind, again.values)
    if line.values.get("rule") != again.values.get("rule"):
        return _by_another_rule(line, again)
    if canonical(_settled(line.kind, line.values)) == canonical(expected):
        return EventVerdict("same")
    try:
        known = _settled(line.kind, line.event().payload())
    except (KeyError, ValueError):
        return EventVerdict("drift", "this version cannot read the recorded event")
    if canonical(known) == canonical(expected):
        return EventVerdict("agrees", "written in another form by another version, with the same meaning")
    return EventVerdict("drift", told(differences(known, expected)))


def _as_far_as_here(line: Line, again: Repeated) -> Repeated:
    """The repeated event without the sealed parts that this copy lacks."""
    event = EVENTS.get(line.kind)
    fields = event.sealed_fields() if event else {}
    absent = line.values.get(SEALED, {})
    unknown = [name for part in absent for name in fields.get(part, ())]
    values = {name: value for name, value in again.values.items() if name not in unknown}
    return replace(again, values=values | ({SEALED: absent} if absent else {}))


def _by_another_rule(line: Line, again: Repeated) -> EventVerdict:
    """Where nothing but the rule's number differs, the result is right; else nobody can say."""
    recorded, now = line.values.get("rule"), again.values["rule"]
    every = differences(_settled(line.kind, line.values), _settled(again.kind, again.values))
    found = [difference for difference in every if difference[0] != "rule"]
    if not isinstance(recorded, int) or recorded < now:
        return EventVerdict("drift", told(every))
    if not found:
        return EventVerdict("agrees", f"computed by rule {recorded}, and rule {now} gives the same")
    return EventVerdict("unchecked", f"rule {recorded} is newer than this program; use a newer dempo")


def within(line: Line, again: Repeated, tolerance: float) -> EventVerdict:
    """`exactly`, but numbers a, b agree where |a − b| ≤ tolerance · max(1, |a|, |b|)."""
    finding = exactly(line, again)
    if finding.verdict != "drift":
        return finding
    try:
        known = _settled(line.kind, line.event().payload())
    except (KeyError, ValueError):
        return finding
    found = differences(known, _settled(again.kind, again.values))
    far = [d for d in found if not _near(d[1], d[2], tolerance)]
    if far:
        return EventVerdict("drift", f"{told(far)} (tolerance {tolerance:g})")
    largest = max(found, key=lambda d: abs(d[1] - d[2]))
    return EventVerdict("agrees", f"{told([largest])}, the largest difference (tolerance {tolerance:g})")


def differences(one: Any, other: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two JSON values differ: path, and the value on each side."""
    return list(_differences(json.loads(canonical({"": one}))[""], json.loads(canonical({"": other}))[""], path))


def _differences(one: Any, other: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"number of {path}", len(one), len(other)
        for i, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from _differences(a, b, f"{path}[{i}]")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path, one, other


def told(found: Sequence[tuple[str, Any, Any]]) -> str:
    """The first differences in words."""
    parts = [f"{path}: recorded {shown(one)}, now {shown(other)}" for path, one, other in found[:_TOLD]]
    rest = len(found) - _TOLD
    return "; ".join(parts) + (f"; and {rest} more" if rest > 0 else "")


def shown(value: Any) -> str:
    """A JSON value, cut to what fits a line."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _near(one: Any, other: Any, tolerance: float) -> bool:
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other)):
        return False
    return bool(abs(one - other) <= tolerance * max(1.0, abs(one), abs(other)))


def _settled(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values that two runs which are the same must share."""
    event = EVENTS.get(kind)
    kept = dict(values)
    for name, field in event.model_fields.items() if event else ():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("volatile"):
            kept.pop(name, None)
    return kept
