"""Following a run from the command line: its events as lines, until the engine ends.

Where nothing is recorded for a while, the engine's own note says what it is at: waiting for an endpoint, say. While a
model is trained, steps come all the time, and the note says now and then how fast that goes and how long it takes.
"""

from __future__ import annotations

import time
from typing import Any

from core.visible import one_line
from storage.record.codec import parse
from storage.record.reader import Progress, Reader

_INTERVAL = 0.5
_QUIET_LOOKS = 20
"""Looks without an event, or with steps of training alone, after which the engine's note is printed."""
_STEP = "train.step"
_FIELDS = (
    "name",
    "condition",
    "step",
    "question_id",
    "judge",
    "outcome",
    "lottery",
    "draw",
    "method",
    "reason",
)
_TOLD_BY_OTHERS = ("unit.completed", "seed.derived", "answer.given", "answer.read", "answer.received", "lottery.panel")


def follow(reader: Reader) -> None:
    """Prints one line per event that tells something, and returns when no engine works on the run."""
    seq = quiet = 0
    noted: Progress | None = None
    while True:
        live = reader.live()
        rows = reader.events_after(seq)
        for row in rows:
            seq = row["seq"]
            if row["kind"] not in _TOLD_BY_OTHERS:
                print(_line(row), flush=True)
        if not rows and not live:
            return
        quiet = quiet + 1 if all(row["kind"] == _STEP for row in rows) else 0
        if quiet and quiet % _QUIET_LOOKS == 0:
            noted = _told_once(reader.progress(), noted)
        if not rows:
            time.sleep(_INTERVAL)


def _told_once(note: Progress | None, before: Progress | None) -> Progress | None:
    """Prints the engine's note where it is another one than before; the note."""
    if note is not None and note != before:
        at, stage, detail = (one_line(str(value), 160) for value in (note.at, note.stage, note.detail))
        print(f"{at[11:19]}  {stage:<10}  {one_line(str(note.done))}/{one_line(str(note.total))} {detail}", flush=True)
    return note


def _line(row: dict[str, Any]) -> str:
    stage, kind, at = (one_line(str(row[key]), 40) for key in ("stage", "kind", "at"))
    values = _values(row)
    if kind == _STEP:
        return f"{at[11:19]}  {stage:<10}  {_step(values)}"
    told = [f"{key}={_short(values[key])}" for key in _FIELDS if key in values]
    return f"{at[11:19]}  {stage:<10}  {kind:<20}  {' '.join(told)}".rstrip()


def _step(values: dict[str, Any]) -> str:
    """A step of training in the width of a narrow terminal."""
    condition, step, loss, margin, seconds = (
        _short(values.get(name, "–")) for name in ("condition", "step", "loss", "margin", "seconds")
    )
    return f"{condition} step {step}: loss {loss}, margin {margin}, {seconds} s"


def _values(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event that are not sealed; none where a stranger's record says something else."""
    try:
        return parse(row["payload"])[0]
    except (ValueError, TypeError):
        return {}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else one_line(str(value), 80)
