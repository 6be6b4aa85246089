"""What `dempo replay` prints: what is another version, a line per stage, and the events that matter."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from storage.replay.code import summary
from storage.replay.compare import Compared
from tui import tables
from tui.replay import Report, StageReplay
from tui.visible import visible

_SHOWN = 20
"""Events of a stage that are printed where it was not asked for by name; `--json` has them all."""

_EVENT = {"event": "event", "unit": "unit", "kind": "kind", "grade": "grade", "verdict": "verdict", "detail": "numbers"}
_STAGE = {
    "stage": "stage",
    "grade": "grade",
    "outcome": "outcome",
    "events": "events",
    "same": "same",
    "agrees": "agree",
    "drift": "drift",
    "other": "not compared",
    "detail": "what was found",
}


def data_of(report: Report) -> dict[str, Any]:
    """The report for programs; `ok` is false where an event drifted."""
    return {
        "run_id": report.run_id,
        "until": report.until,
        "ok": not report.drifted,
        "code": [change.row() for change in report.code],
        "stages": [_stage(found) for found in report.stages],
        "events": [event.row() for found in report.stages for event in found.events],
    }


def text_of(report: Report, in_full: bool) -> str:
    """The report for people; with every event where `in_full`."""
    mark = "drift of the code: " if report.code else ""
    parts = [
        f"{report.run_id}, events 1 to {report.until}",
        textwrap.fill(visible(mark + summary(report.code)), width=110, break_long_words=False),
        tables.table([_stage(found) for found in report.stages], _STAGE),
    ]
    for found in report.stages:
        events = found.events if in_full else [e for e in found.events if e.verdict in ("drift", "changed version")]
        if events:
            parts.append(f"{found.stage}\n{_events(events, None if in_full else _SHOWN)}")
    return "\n\n".join(parts)


def _events(events: Sequence[Compared], most: int | None) -> str:
    rest = len(events) - len(events[:most])
    return tables.table([event.row() for event in events[:most]], _EVENT) + (
        f"\nand {rest} more; --json lists them" if rest else ""
    )


def _stage(found: StageReplay) -> dict[str, Any]:
    return {
        "stage": found.stage,
        "grade": found.grade,
        "outcome": found.outcome,
        "detail": found.detail,
        "events": len(found.events),
        "same": found.count("same"),
        "agrees": found.count("agrees"),
        "drift": found.count("drift"),
        "changed_version": found.count("changed version"),
        "other": found.count("recorded", "not compared", "not replayed"),
        "recorded_seconds": found.recorded_seconds,
    }
