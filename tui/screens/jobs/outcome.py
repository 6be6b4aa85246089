"""What came of a job, as rows: one function for each command, which takes what the command printed as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from core.visible import one_line, visible
from tui.screens.jobs.job import Job, Step
from tui.widgets.figures import duration, left, right, whole
from tui.widgets.lists.whole_list import Row
from tui.widgets.status import status

_WORST_FIRST = ("failed", "unchecked", "unknown", "withheld")
"""Verdicts of checks in the order in which they are listed; those that are ok come last."""

_FITS = 38
"""Cells of what is said of a check that a list at 80 columns shows beside the rest; all of it stands below."""

_DRIFTING = ("drift", "unchecked", "changed version", "not compared")
"""Verdicts of replayed events that are named one by one."""

_MOST_EVENTS = 50
"""Of these, beneath a stage."""


@dataclass(frozen=True)
class Outcome:
    """A line that sums it up, rows with a heading each, and what is said of a row in full."""

    summary: str
    headings: Sequence[str] = ()
    rows: Sequence[Row] = ()
    details: Mapping[Hashable, Text] = field(default_factory=dict)
    run: Path | None = None
    """The run that it made."""


def outcome_of(job: Job) -> Outcome:
    """What there is to show of a job as it is now."""
    if isinstance(job.answer, dict) and job.what in _OUTCOMES:
        return _OUTCOMES[job.what](job, job.answer)
    if job.what == "verify":
        return Outcome("", _CHECK_HEADINGS, [_step_row(step) for step in job.steps])
    return Outcome("")


_CHECK_HEADINGS = ("verdict", "check", ">time", "what was found")


def _verified(job: Job, answer: dict[str, Any]) -> Outcome:
    return _checks(str(answer["summary"]), answer["checks"], job.steps)


def _imported(job: Job, answer: dict[str, Any]) -> Outcome:
    texts = ", redacted" if answer["redacted"] else ""
    told = f"{answer['run_id']} is here now{texts}; it can be read, verified and cloned, never continued"
    found = _checks(told, answer["checks"], ())
    return Outcome(found.summary, found.headings, found.rows, found.details, Path(answer["path"]))


def _checks(summary: str, checks: Sequence[Mapping[str, Any]], steps: Sequence[Step]) -> Outcome:
    took = {step.step: step.seconds for step in steps}
    order = {verdict: place for place, verdict in enumerate(_WORST_FIRST)}
    listed = sorted(checks, key=lambda check: order.get(check["verdict"], len(order)))
    rows: list[Row] = []
    details: dict[Hashable, Text] = {}
    for check in listed:
        name, verdict, detail = str(check["name"]), str(check["verdict"]), str(check["detail"])
        cells = [status(verdict), left(name, 24), right(_took(took.get(name))), left(detail, _FITS)]
        rows.append((name, cells))
        details[name] = _check_text(name, verdict, detail, check.get("event"), took.get(name))
    return Outcome(summary, _CHECK_HEADINGS, rows, details)


def _check_text(name: str, verdict: str, detail: str, event: Any, seconds: float | None) -> Text:
    text = Text(overflow="fold")
    text.append(f"{visible(name)}  ", style="bold").append(status(verdict))
    text.append(f"  at event {whole(event)}" if event is not None else "")
    text.append(f"  {_took(seconds)}" if seconds is not None else "")
    text.append(f"\n{visible(detail)}")
    return text.append(
        f"\n\n$ dempo verify --explain {one_line(repr(name) if ' ' in name else name, 60)}", style="muted"
    )


def _step_row(step: Step) -> Row:
    return step.step, [status(step.verdict), left(step.step, 24), right(_took(step.seconds)), left("")]


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return duration(seconds) if seconds >= 0.05 else "0 s"


def _replayed(job: Job, answer: dict[str, Any]) -> Outcome:
    headings = ("outcome", "stage", "grade", ">events", ">same", ">agree", ">drift", ">other")
    verdicts = Counter(str(event["verdict"]) for event in answer["events"])
    told = ", ".join(f"{number:,} {verdict}" for verdict, number in verdicts.most_common())
    stages = sorted(answer["stages"], key=lambda stage: not stage["drift"])
    rows: list[Row] = []
    details: dict[Hashable, Text] = {}
    for stage in stages:
        name = str(stage["stage"])
        counts = [whole(stage[key]) for key in ("events", "same", "agrees", "drift")]
        other = whole(stage["changed_version"] + stage["other"])
        word = status("drift" if stage["drift"] else str(stage["outcome"]))
        rows.append((name, [word, left(name, 12), left(stage["grade"], 14), *map(right, counts), right(other)]))
        details[name] = _stage_text(name, word, stage, [e for e in answer["events"] if e["stage"] == name])
    return Outcome(f"{sum(verdicts.values()):,} events: {told}", headings, rows, details)


def _stage_text(name: str, word: Text, stage: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Text:
    text = Text(overflow="fold")
    text.append(f"{visible(name)}  ", style="bold").append(word)
    if stage["recorded_seconds"] is not None:
        text.append(f"  recorded in {duration(stage['recorded_seconds'])}")
    text.append(f"\n{visible(str(stage['detail']))}" if stage["detail"] else "")
    telling = [event for event in events if event["verdict"] in _DRIFTING]
    for event in telling[:_MOST_EVENTS]:
        where = f"event {whole(event['event'])}" if event["event"] is not None else "not in the record"
        said = f"{where}  {one_line(str(event['kind']), 40)}  {one_line(str(event['unit'] or ''), 40)}"
        text.append(f"\n\n{said}  ").append(status(str(event["verdict"])))
        text.append(f"\n{visible(str(event['detail']))}")
    if len(telling) > _MOST_EVENTS:
        text.append(
            f"\n\nand {len(telling) - _MOST_EVENTS:,} more; the command in a shell prints them with --all-events"
        )
    return text


def _exported(job: Job, answer: dict[str, Any]) -> Outcome:
    facts = [
        ("file", str(Path(answer["path"]).absolute())),
        ("size", f"{answer['bytes'] / 1024**2:,.1f} MiB, {answer['files']:,} files"),
        ("SHA-256", str(answer["sha256"])),
        ("run", str(answer["run_id"])),
        ("head", f"event {answer['seq']:,}, {answer['head']}"),
        ("texts", "withheld" if answer["redacted"] else "included"),
        *(("left out", str(sentence)) for sentence in answer["left_out"]),
        *(("fails check", str(name)) for name in answer["failed_checks"]),
    ]
    failed = len(answer["failed_checks"])
    warning = f"; this record fails {failed} of its checks, and the bundle says so" if failed else ""
    return _facts(f"the bundle is written: anybody can check it with the verify.py in it{warning}", facts)


def _removed(job: Job, answer: dict[str, Any]) -> Outcome:
    entered = f"entry {answer['entry']} of registry.db" if answer["entry"] else "nowhere: registry.db did not name it"
    facts = [
        ("run", str(answer["run_id"])),
        ("folder", str(answer["path"])),
        ("removed", f"{answer['files']:,} files, {answer['bytes'] / 1024**2:,.1f} MiB"),
        ("kept", f"that it was here: {entered}"),
    ]
    return _facts("the run is removed", facts)


def _facts(summary: str, facts: Sequence[tuple[str, str]]) -> Outcome:
    rows: list[Row] = []
    details: dict[Hashable, Text] = {}
    for number, (name, value) in enumerate(facts):
        rows.append((number, [left(name, 11), left(value, 66)]))
        details[number] = Text(visible(value), overflow="fold")
    return Outcome(summary, ("what", "value"), rows, details)


_OUTCOMES: dict[str, Callable[[Job, dict[str, Any]], Outcome]] = {
    "verify": _verified,
    "replay": _replayed,
    "export": _exported,
    "import": _imported,
    "remove": _removed,
}
