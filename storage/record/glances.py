"""What a screen wants to know of a run at a glance, many times a minute.

The views answer it too, but each goes through every unit that was completed, which takes long in a large record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from storage.record.reader import Reader
from storage.record.rows import typed_rows
from storage.record.views.sql_parts import people_of, reason_of
from storage.withheld import copy_without

_COUNTS = f"""WITH people AS MATERIALIZED (
  SELECT r.value->>'$.type' AS type, r.value->>'$.pairs' AS pairs
  FROM events e, json_each({people_of("e.payload")}, '$.raters') r
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'pool.built')
)
SELECT
  (SELECT count(*) FROM people) AS raters,
  (SELECT count(DISTINCT type) FROM people) AS types,
  (SELECT sum(pairs) FROM people) AS pairs,
  (SELECT count(DISTINCT payload->>'$.lottery') FROM events WHERE kind = 'lottery.solved') AS lotteries,
  (SELECT count(DISTINCT payload->>'$.draw') FROM events WHERE kind IN ('draw.committed', 'draw.made')) AS draws,
  (SELECT count(*) FROM (
    SELECT DISTINCT payload->>'$.draw', coalesce(payload->>'$.round', 1) FROM events
    WHERE kind IN ('draw.committed', 'draw.made'))) AS rounds,
  (SELECT count(DISTINCT payload->>'$.condition') FROM events WHERE kind = 'condition.planned') AS conditions"""

_UNDER_WAY = """SELECT kind, count(*) AS events FROM events
  WHERE kind IN ('train.step', 'answer.given', 'answer.read', 'answer.received', 'judge.called', 'leaderboard.computed')
  GROUP BY kind"""

_LAST = "SELECT seq, at, kind, hash FROM events ORDER BY seq DESC LIMIT 1"

_LAST_STOP = f"""SELECT payload->>'$.outcome' AS outcome, {reason_of("payload")} AS reason
  FROM events WHERE kind = 'engine.stopped' ORDER BY seq DESC LIMIT 1"""

_SKIPPED = """SELECT payload->>'$.reason' AS reason FROM events
  WHERE kind = 'stage.skipped' AND payload->>'$.name' IS ? ORDER BY seq DESC LIMIT 1"""

_SIZES = """SELECT payload->>'$.lottery' AS lottery, payload->>'$.size' AS size, payload->>'$.tolerance' AS tolerance
  FROM events WHERE kind = 'lottery.quotas' ORDER BY seq"""

_BOUND = f"""SELECT {people_of("payload")}->'$.pi' AS pi FROM events
  WHERE kind = 'lottery.bounded' AND payload->>'$.lottery' IS ? ORDER BY seq DESC LIMIT 1"""


_NEWEST_STEPS = """SELECT * FROM (
  SELECT seq, payload->>'$.condition' AS condition, payload->>'$.step' AS step, payload->>'$.loss' AS loss,
    payload->>'$.seconds' AS seconds
  FROM events WHERE kind = 'train.step' ORDER BY seq DESC LIMIT 200
) ORDER BY seq"""

_NEWEST_CALLS = """SELECT at FROM (
  SELECT seq, at FROM events WHERE kind = 'judge.called' ORDER BY seq DESC LIMIT 200
) ORDER BY seq"""


_WORK_BEGUN = "SELECT at FROM events WHERE kind IN ('engine.started', 'stage.started') ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True)
class NewStep:
    """One of the newest optimizer steps, in the order in which they were recorded."""

    condition: Any
    step: Any
    loss: Any
    seconds: Any


@dataclass(frozen=True)
class Counts:
    """How much of everything is recorded; rounds are those of all draws."""

    raters: int
    types: int
    pairs: int | None
    lotteries: int
    draws: int
    rounds: int
    conditions: int


@dataclass(frozen=True)
class LastEvent:
    """The newest event."""

    seq: int
    at: str
    kind: str
    hash: str


@dataclass(frozen=True)
class Stop:
    """How the last engine ended; `absent` says why the reason is not here."""

    outcome: str
    reason: str | None
    absent: str = ""

    @property
    def told(self) -> str:
        """Why it ended, in a sentence."""
        return str(self.reason) if self.reason is not None else f"({self.absent})"


@dataclass(frozen=True)
class LotterySize:
    """What a lottery was asked for."""

    lottery: str
    size: int
    tolerance: str


def counts_of(reader: Reader) -> Counts:
    """Of what a run is made of."""
    return typed_rows(reader, Counts, _COUNTS)[0]


def under_way(reader: Reader) -> dict[str, int]:
    """How many events of long stages there are, by kind; those of attempts that were given up count too."""
    return {row["kind"]: row["events"] for row in reader.query(_UNDER_WAY)}


def newest_steps(reader: Reader) -> list[NewStep]:
    """The last two hundred optimizer steps, whether their units are done or not."""
    return typed_rows(reader, NewStep, _NEWEST_STEPS)


def newest_calls(reader: Reader) -> list[str]:
    """When the last two hundred judge calls were recorded."""
    return [str(row["at"]) for row in reader.query(_NEWEST_CALLS)]


def work_begun(reader: Reader) -> str:
    """When the last engine or stage began, whichever came later; "" where none did."""
    return next((str(row["at"]) for row in reader.query(_WORK_BEGUN)), "")


def last_event(reader: Reader) -> LastEvent:
    """The newest event; number 0 where there is none."""
    return next(iter(typed_rows(reader, LastEvent, _LAST)), LastEvent(0, "", "", ""))


def last_stop(reader: Reader) -> Stop | None:
    """None where no engine came to an end."""
    for stop in typed_rows(reader, Stop, _LAST_STOP):
        absent = copy_without(reader.folder.root, "the engine's reason") if stop.reason is None else ""
        return replace(stop, absent=absent)
    return None


def skipped_why(reader: Reader, stage: str) -> str | None:
    """The key of why a stage was skipped; None for one that was not."""
    return next((str(row["reason"]) for row in reader.query(_SKIPPED, [stage])), None)


def lottery_sizes(reader: Reader) -> dict[str, LotterySize]:
    """Of all lotteries that were begun, by name."""
    return {row.lottery: row for row in typed_rows(reader, LotterySize, _SIZES)}


def bound_of(reader: Reader, lottery: str | None) -> list[float]:
    """The upper bounds of π per type that are known before a lottery is; none before that."""
    rows = reader.query(_BOUND, [lottery])
    return list(json.loads(rows[0]["pi"])) if rows and rows[0]["pi"] else []
