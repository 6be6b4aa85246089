"""A repeated stage against its record: a verdict on every recorded event, and on what only the repetition has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.events import StageCompleted, StageStarted, UnitCompleted
from core.facts.stages import WORKING_KINDS
from core.stage import Replay
from storage.replay.compare import Compared, EventVerdict, ReplayVerdict, Rule, exactly, paired
from storage.replay.lottery import ANOTHER, LotteryRule
from storage.replay.public_draws import step_again
from storage.replay.repetition import Line, Recorded, Repeated, Repetition


def compare_stage(
    record: Recorded,
    repetition: Repetition,
    rule: Rule,
    grade: Replay,
    said: Mapping[str, str],
    given: Mapping[str, str],
    excused: bool,
    failure: str,
) -> list[Compared]:
    """Every recorded event of the stage in order, then those that the record lacks.

    Args:
        rule: compares an event with its partner.
        said: what else to say of a unit's events.
        given: units that were taken from the record instead of being repeated.
        excused: whether the stage's key may differ because the code is another version.
        failure: what the repetition failed with; "" where it did not.
    """
    stage = repetition.stage
    units = {
        unit: [line for line in lines if line.kind not in WORKING_KINDS] for unit, lines in record.units(stage).items()
    }
    again: dict[str | None, list[Repeated]] = {}
    for repeated in repetition.lines:
        again.setdefault(repeated.unit, []).append(repeated)
    counted = {line.seq for lines in units.values() for line in lines}
    others = [line for line in record.of(stage) if line.seq not in counted]
    found = [_other(record, line, again.get(None, []), grade, excused) for line in others]
    repeatable: Replay = "re-run" if grade == "not replayable" else grade
    for unit, lines in units.items():
        if unit in given:
            own: Replay = "not replayable" if grade == "not replayable" else "view"
            found += [replace(row, detail=said[unit]) for row in shown_only(stage, lines, own, "recorded")]
            continue
        repeated_unit = [one for one in again.get(unit, []) if one.kind not in (UnitCompleted.kind, *WORKING_KINDS)]
        for line, one in paired(lines, repeated_unit):
            finding = _finding(line, one, rule, failure)
            if finding is not None:
                finding = replace(finding, detail=finding.detail or said.get(unit, ""))
                found.append(_row(stage, unit, line, one, repeatable, finding))
    found += _new_units(record, again, stage, repeatable)
    return sorted(found, key=lambda row: (row.event is None, row.event or 0))


def shown_only(stage: str, lines: Sequence[Line], grade: Replay, verdict: ReplayVerdict) -> list[Compared]:
    """Events that nothing is compared with."""
    return [
        _row(stage, line.unit[0] if line.unit else None, line, None, grade, EventVerdict(verdict)) for line in lines
    ]


def _other(record: Recorded, line: Line, repeated: Sequence[Repeated], grade: Replay, excused: bool) -> Compared:
    """An event of no unit that counts: the stage's own, steps of public draws, ends of units, redone attempts."""
    if line.unit is not None:
        ended = line.kind in (UnitCompleted.kind, *WORKING_KINDS)
        detail = "" if ended else f"attempt {line.unit[1]} of this unit was not completed, or was done again"
        return _row(line.stage, line.unit[0], line, None, "view", EventVerdict("recorded", detail))
    if line.kind.startswith("draw."):
        finding = step_again(record, line)
        return _row(line.stage, None, line, None, "view" if finding.verdict == "recorded" else grade, finding)
    again = next((one for one in repeated if one.kind == line.kind), None)
    if again is None:  # the repetition did not come so far; the units tell why
        return _row(line.stage, None, line, None, "view", EventVerdict("recorded"))
    finding = exactly(line, again)
    if excused and finding.verdict == "drift" and line.kind in (StageStarted.kind, StageCompleted.kind):
        finding = replace(finding, verdict="changed version")
    return _row(line.stage, None, line, again, grade, finding)


def _finding(line: Line | None, again: Repeated | None, rule: Rule, failure: str) -> EventVerdict | None:
    if line is not None and again is not None:
        return rule(line, again)
    if line is not None and failure:
        return EventVerdict("drift", failure)
    alone = line or again
    if alone is not None and isinstance(rule, LotteryRule) and rule.excuses(alone):
        return EventVerdict("agrees", ANOTHER) if line is not None else None
    return EventVerdict("drift", "it was not repeated" if line is not None else "it is not in the record")


def _new_units(
    record: Recorded, again: Mapping[str | None, Sequence[Repeated]], stage: str, grade: Replay
) -> list[Compared]:
    """Units that a stage which is complete in the record should hold and does not."""
    if not any(line.kind == StageCompleted.kind for line in record.of(stage)):
        return []
    units = record.units(stage)
    missing = EventVerdict("drift", "the repetition has this unit, the record has not")
    return [
        _row(stage, unit, None, one, grade, missing)
        for unit, repeated in again.items()
        if unit is not None and unit not in units
        for one in repeated
    ]


def _row(
    stage: str, unit: str | None, line: Line | None, again: Repeated | None, grade: Replay, finding: EventVerdict
) -> Compared:
    kind = line.kind if line is not None else again.kind if again is not None else ""
    seq = line.seq if line is not None else None
    return Compared(seq, stage, unit, kind, grade, finding.verdict, finding.detail)
