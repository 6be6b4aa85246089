"""What `dempo replay` prints: what is another version, a line per stage, and the events that matter."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.facts.plural import number_of
from core.visible import visible
from storage.replay.code import summary
from storage.replay.compare import Compared
from storage.replay.replaying import Report, StageReplay
from tui.terminal import tables

_SHOWN = 20
"""Events of a stage that are printed without `--all-events`."""

_TELLING = ("drift", "unchecked", "changed version", "not compared")
"""Verdicts of events that people have to look at one by one; of all others the number says enough."""

_EVENT = {"event": "event", "unit": "unit", "kind": "kind", "verdict": "verdict", "detail": "what was found"}
_STAGE = {key: key for key in ("stage", "grade", "outcome", "events", "same", "agrees", "drift", "other")} | {
    "agrees": "agree"
}
_FOUND = {"stage": "stage", "detail": "what was found"}


def data_of(report: Report) -> dict[str, Any]:
    """The report for programs; `ok` is false where an event drifted, or was made by another rule."""
    return {
        "run_id": report.run_id,
        "until": report.until,
        "ok": not report.drifted and not report.unchecked,
        "code": [asdict(change) for change in report.code],
        "stages": [_stage(found) for found in report.stages],
        "events": [asdict(event) for found in report.stages for event in found.events],
    }


def text_of(report: Report, all_events: bool) -> str:
    """The report for people: what did not come out again, or every event, and at the end a line per stage."""
    mark = "drift of the code: " if report.code else ""
    parts = [
        f"{report.run_id}, events 1 to {report.until}",
        textwrap.fill(
            visible(mark + summary(report.code)), width=min(110, tables.terminal() or 110), break_long_words=False
        ),
    ]
    for found in report.stages:
        events = [event for event in found.events if all_events or event.verdict in _TELLING]
        if events:
            parts.append(f"{found.stage}\n{_events(events, None if all_events else _SHOWN)}")
    parts.append(tables.table([_stage(found) for found in report.stages], _STAGE))
    told = _told(report)
    return "\n\n".join([*parts, *([tables.table(told, _FOUND)] if told else []), _counts(report)])


def _told(report: Report) -> list[dict[str, str]]:
    """What there is to say of stages; those of which the same is said share a row."""
    stages: dict[str, list[str]] = {}
    for found in report.stages:
        if found.detail:
            stages.setdefault(found.detail, []).append(found.stage)
    return [{"stage": ", ".join(names), "detail": detail} for detail, names in stages.items()]


def _counts(report: Report) -> str:
    """All events by their verdict, the most frequent first."""
    verdicts = Counter(event.verdict for found in report.stages for event in found.events)
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in verdicts.most_common())
    return f"{number_of(verdicts.total(), 'event')}: {told}"


def _events(events: Sequence[Compared], most: int | None) -> str:
    rest = len(events) - len(events[:most])
    return tables.table([asdict(event) for event in events[:most]], _EVENT) + (
        f"\nand {rest:,} more; --all-events prints them" if rest else ""
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
        "other": found.count("recorded", "unchecked", "not compared", "not replayed"),
        "recorded_seconds": found.recorded_seconds,
    }
