"""The record itself, page by page: events as they were written, with a filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.reader import Reader
from storage.record.rows import typed_rows

BRIEF = 120
"""Characters of a payload in a list."""

_ONLY = "(:only = '' OR stage = :only OR kind = :only OR substr(kind, 1, length(:only) + 1) = :only || '.')"

_COLUMNS = f"SELECT seq, at, stage, kind, substr(payload, 1, {BRIEF}) AS payload FROM events"
_UP_TO = f"{_COLUMNS} WHERE seq <= :place AND {_ONLY} ORDER BY seq DESC LIMIT :most"
_SINCE = f"{_COLUMNS} WHERE seq >= :place AND {_ONLY} ORDER BY seq LIMIT :most"
_BEFORE = f"SELECT seq FROM events WHERE seq < :seq AND {_ONLY} ORDER BY seq DESC LIMIT 1"
_BEHIND = f"SELECT seq FROM events WHERE seq > :seq AND {_ONLY} ORDER BY seq LIMIT 1"

_EVENT = """SELECT seq, at, stage, kind, substr(payload, 1, ?) AS payload, length(payload) AS length, prev, hash,
  (SELECT payload->>'$.replay' FROM events s WHERE s.kind = 'stage.started' AND s.payload->>'$.name' = e.stage
    ORDER BY seq DESC LIMIT 1) AS replay
  FROM events e WHERE seq IS ?"""


@dataclass(frozen=True)
class ListedEvent:
    """An event in a list; its payload is only the beginning."""

    seq: int
    at: Any
    stage: Any
    kind: Any
    payload: Any


@dataclass(frozen=True)
class WholeEntry(ListedEvent):
    """An event with its place in the chain; `length` is that of the payload, replay the grade of its stage."""

    length: int
    prev: Any
    hash: Any
    replay: Any


def up_to(reader: Reader, seq: int, only: str, most: int) -> list[ListedEvent]:
    """The last events up to a number, newest first; `only`: of a stage, of a kind, or what a kind begins with."""
    return typed_rows(reader, ListedEvent, _UP_TO, {"place": seq, "only": only, "most": most})


def since(reader: Reader, seq: int, only: str, most: int) -> list[ListedEvent]:
    """The first events from a number on, newest first."""
    return typed_rows(reader, ListedEvent, _SINCE, {"place": seq, "only": only, "most": most})[::-1]


def whole_entry(reader: Reader, seq: int | None, most: int) -> WholeEntry | None:
    """One event with up to so many characters of its payload."""
    return next(iter(typed_rows(reader, WholeEntry, _EVENT, [most, seq])), None)


def neighbour(reader: Reader, seq: int, by: int, only: str) -> int | None:
    """The nearest event before (`by` < 0) or behind another one that the filter lets through, or None."""
    rows = reader.query(_BEFORE if by < 0 else _BEHIND, {"seq": seq, "only": only})
    return rows[0]["seq"] if rows else None


def kinds_of(reader: Reader) -> tuple[str, ...]:
    """The kinds of the events that are recorded."""
    return tuple(str(row["kind"]) for row in reader.query("SELECT DISTINCT kind FROM events ORDER BY kind"))
