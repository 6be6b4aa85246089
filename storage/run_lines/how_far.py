"""How far the stage of a run is, and how long the rest of it takes as far as anybody can say.

Units that are done are in the record. The share of the unit under way is in the engine's note, and so is the share of
the whole stage where the engine says how long the rest takes.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from core.facts.times import recorded_time
from storage.errors import StorageError, sentences
from storage.record.reader import Progress, Reader, RunSummary

_BEGUN = """SELECT
  (SELECT at FROM events WHERE kind = 'engine.started' ORDER BY seq DESC LIMIT 1) AS engine,
  (SELECT at FROM events WHERE kind = 'stage.started' ORDER BY seq DESC LIMIT 1) AS stage,
  (SELECT at FROM events WHERE kind = 'unit.completed' ORDER BY seq DESC LIMIT 1) AS unit,
  (SELECT count(DISTINCT payload->>'$.unit') FROM events WHERE kind = 'unit.completed' AND stage IS ? AND seq <
    (SELECT max(seq) FROM events WHERE kind = 'engine.started')) AS before"""

_LEAST_SHARE, _LEAST_UNITS, _LEAST_SECONDS = 0.02, 3, 3.0
"""Of a stage that have to be behind an engine before the rest is estimated by them."""


@dataclass(frozen=True)
class HowFar:
    """Attributes:
    share: of the stage that is worked on, or was; None where nobody knows how long it is, and of a run that is done.
    left: seconds until the stage is done; None where nobody can say.
    """

    share: float | None = None
    left: float | None = None


@dataclass(frozen=True)
class _Begun:
    """When the last engine, stage and unit began or ended, and the units of the stage that were done before them."""

    engine: datetime
    work: datetime
    last: datetime
    before: int


def how_far(run: RunSummary, now: datetime | None = None) -> HowFar:
    """Of a run as its line says it is; nothing is raised, and of a run that no engine works on nothing is read."""
    if run.status == "completed" or not run.stage:
        return HowFar()
    begun = _begun(run) if run.status == "running" else None
    share = _share(run, begun)
    if begun is None or share is None or share >= 1:
        return HowFar(share)
    return HowFar(share, _left(run, begun, share, now or datetime.now(UTC)))


def _share(run: RunSummary, begun: _Begun | None) -> float | None:
    note = run.note
    if note is not None and begun is not None and _moment(note.at) <= begun.work:
        note = None
    return share_of(run.stage, run.done, run.units, note, begun.last if begun else None)


def share_of(stage: str, done: int, units: int, note: Progress | None, since: datetime | None) -> float | None:
    """How much of a stage is done, with what the engine notes; None where nobody knows how long it is.

    Args:
        since: what an older note says of a unit is over; None where no engine works: of a unit that is given up nothing
            stays.
    """
    recorded = done / units if units else None
    of_note = _of_note(note) if note is not None and note.stage == stage else None
    if note is None or of_note is None or (recorded is not None and recorded >= 1):
        return recorded
    if _seconds(note.left) is not None:
        return of_note
    if since is None or recorded is None or note.total == units or _moment(note.at) <= since:
        return recorded  # where the note counts units the record knows better
    return min(1.0, recorded + of_note / units)


def _left(run: RunSummary, begun: _Begun, share: float, now: datetime) -> float | None:
    note = run.note
    if note is not None and note.stage == run.stage and _moment(note.at) > begun.work:
        told = _seconds(note.left)
        if told is not None:
            return told
    worked = (now - begun.work).total_seconds()
    gained = share - (begun.before / run.units if run.units else 0.0)
    units = run.done - begun.before
    if gained <= 0 or worked < _LEAST_SECONDS or (gained < _LEAST_SHARE and units < _LEAST_UNITS):
        return None
    return worked * (1 - share) / gained


def _of_note(note: Progress) -> float | None:
    done, total = _seconds(note.done), _seconds(note.total)
    return min(done / total, 1.0) if done is not None and total else None


def _seconds(value: object) -> float | None:
    """A number that can be a length of time; None of anything else that may stand in a note."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _begun(run: RunSummary) -> _Begun | None:
    with suppress(StorageError, LookupError, TypeError, ValueError), sentences(run.root):
        row = Reader(run.root).query(_BEGUN, [run.stage])[0]
        engine, stage, unit = (_moment(row[name]) for name in ("engine", "stage", "unit"))
        return _Begun(engine, max(engine, stage), max(engine, stage, unit), int(row["before"] or 0))
    return None


_EARLIEST = datetime.min.replace(tzinfo=UTC)


def _moment(at: object) -> datetime:
    """A recorded time; before all others where it is none."""
    return recorded_time(at) or _EARLIEST
