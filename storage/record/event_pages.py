"""The record itself: the numbers of its events by filter and order, and events as they were written, with their sealed
parts, by their numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.facts.sealed import WITHHELD_ROWS
from storage.record.reader import Reader
from storage.record.rows import typed_rows
from storage.withheld import copy_without

BRIEF = 120
"""Characters of a payload in a list."""

EVERYTHING = 2**31 - 1
"""More characters than a value of SQLite has."""

_AT_ONCE = 200
"""Whole events that are held at once."""

_ONLY = "(:only = '' OR stage = :only OR kind = :only OR substr(kind, 1, length(:only) + 1) = :only || '.')"

_LISTED = f"""SELECT e.seq AS seq, at, stage, kind, substr(payload, 1, {BRIEF}) AS payload
FROM json_each(?) wanted CROSS JOIN events e ON e.seq = wanted.value"""

_SORTED_BY = {"event": "seq", "time": "at", "stage": "stage", "kind": "kind", "payload": "payload"}
"""The columns of a list of events, and what each is sorted by; of equal ones the newest comes first."""

_NUMBERS = f"SELECT seq FROM events WHERE seq > :after AND seq <= :newest AND {_ONLY} ORDER BY {{}}seq DESC"

_BEFORE = f"SELECT seq FROM events WHERE seq < :seq AND {_ONLY} ORDER BY seq DESC LIMIT 1"
_BEHIND = f"SELECT seq FROM events WHERE seq > :seq AND {_ONLY} ORDER BY seq LIMIT 1"

_WHOLE = """SELECT seq, at, stage, kind, substr(payload, 1, :most) AS payload, length(payload) AS length, prev, hash,
  (SELECT payload->>'$.replay' FROM events s WHERE s.kind = 'stage.started' AND s.payload->>'$.name' = e.stage
    ORDER BY seq DESC LIMIT 1) AS replay
  FROM events e WHERE seq IN (SELECT value FROM json_each(:wanted)) ORDER BY seq"""

_SEALED = """WITH s AS MATERIALIZED (
  SELECT e.seq AS seq, named.key AS part, CASE named.type WHEN 'object' THEN named.value->>'$.sha256' END AS sha256
  FROM events e, json_each(CASE WHEN json_valid(e.payload) THEN e.payload ELSE '{}' END, '$.sealed') named
  WHERE e.seq IN (SELECT value FROM json_each(:wanted))
), t AS MATERIALIZED (SELECT s.seq, s.part, CAST(b.body AS TEXT) AS body FROM s LEFT JOIN blobs b USING (sha256))
SELECT seq, part, substr(body, 1, :most) AS text, length(body) AS length FROM t ORDER BY seq, part"""


@dataclass(frozen=True)
class ListedEvent:
    """An event in a list; its payload is only the beginning."""

    seq: int
    at: Any
    stage: Any
    kind: Any
    payload: Any


EventOrder = tuple[str, bool]
"""A column of the list of events, and whether its last value comes first."""


@dataclass(frozen=True)
class EventIndex:
    """The numbers of all events up to `newest` that a filter lets through, the newest first or in another order."""

    newest: int
    only: str
    order: EventOrder | None
    numbers: Sequence[int]


@dataclass(frozen=True)
class SealedPart:
    """A sealed part of event `seq`, cut; `length` is that of the whole text. `absent` says why it is not here."""

    seq: int
    part: Any
    text: str | None
    length: int | None
    absent: str = ""

    @property
    def holds(self) -> str:
        """What such a part holds, in words."""
        return WITHHELD_ROWS.get(str(self.part), "what a part of this name holds")


@dataclass(frozen=True)
class WholeEntry(ListedEvent):
    """An event with its place in the chain; `length` is that of the payload, replay the grade of its stage."""

    length: int
    prev: Any
    hash: Any
    replay: Any
    sealed: tuple[SealedPart, ...] = ()


def event_index(
    reader: Reader, newest: int, only: str = "", order: EventOrder | None = None, held: EventIndex | None = None
) -> EventIndex:
    """The numbers of the events up to one; from an index held from before only what came since is read.

    `only`: those of a stage, of a kind, or of what a kind begins with. Without a filter and an order nothing is read.

    Raises:
        KeyError: there is no such column.
    """
    if held is not None and (held.only, held.order) == (only, order) and held.newest == newest:
        return held
    if not only and order is None:
        return EventIndex(newest, only, order, range(newest, 0, -1))
    grows = held is not None and (held.only, held.order) == (only, order) and order is None and held.newest < newest
    after, rest = (held.newest, held.numbers) if held is not None and grows else (0, ())
    by = f"{_SORTED_BY[order[0]]} {'DESC' if order[1] else 'ASC'}, " if order else ""
    asked = {"after": after, "newest": newest, "only": only}
    numbers = [row["seq"] for row in reader.query(_NUMBERS.format(by), asked)]
    return EventIndex(newest, only, order, [*numbers, *rest])


def events_at(reader: Reader, numbers: Sequence[int]) -> list[ListedEvent]:
    """The events of these numbers, those that there are."""
    return typed_rows(reader, ListedEvent, _LISTED, [json.dumps(list(numbers))])


def whole_entry(reader: Reader, seq: int | None, most: int) -> WholeEntry | None:
    """One event with up to so many characters of its payload and of each of its sealed parts."""
    return next(iter(_whole(reader, [] if seq is None else [seq], most)), None)


def whole_entries(reader: Reader, only: str) -> Iterator[WholeEntry]:
    """Every event of a stage, of a kind, or of what a kind begins with, in order and whole."""
    rows = reader.query(f"SELECT seq FROM events WHERE {_ONLY} ORDER BY seq", {"only": only})
    for first in range(0, len(rows), _AT_ONCE):
        yield from _whole(reader, [row["seq"] for row in rows[first : first + _AT_ONCE]], EVERYTHING)


def _whole(reader: Reader, wanted: Sequence[int], most: int) -> list[WholeEntry]:
    asked = {"wanted": json.dumps(wanted), "most": most}
    sealed: dict[int, list[SealedPart]] = {}
    for part in typed_rows(reader, SealedPart, _SEALED, asked):
        told = "" if part.text is not None else copy_without(reader.folder.root, part.holds)
        sealed.setdefault(part.seq, []).append(replace(part, absent=told))
    entries = typed_rows(reader, WholeEntry, _WHOLE, asked)
    return [replace(entry, sealed=tuple(sealed.get(entry.seq, ()))) for entry in entries]


def neighbour(reader: Reader, seq: int, by: int, only: str) -> int | None:
    """The nearest event before (`by` < 0) or behind another one that the filter lets through, or None."""
    rows = reader.query(_BEFORE if by < 0 else _BEHIND, {"seq": seq, "only": only})
    return rows[0]["seq"] if rows else None


def kinds_of(reader: Reader) -> tuple[str, ...]:
    """The kinds of the events that are recorded."""
    return tuple(str(row["kind"]) for row in reader.query("SELECT DISTINCT kind FROM events ORDER BY kind"))
