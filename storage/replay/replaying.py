"""Repeats the stages of a run beside its record, and says of every event whether it came out again.

Each stage is repeated on its own, on inputs restored from the record, so that a difference shows where it
arose and nowhere else. Nothing is written into the run, and its engine may be at work meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import DempoError, InfeasibleQuotas, InputError, VerificationFailed, Waiting
from core.events import StageCompleted, StageSkipped
from core.facts.words import in_words
from core.pipeline import STAGES, check_until, stage_keys
from core.program.environment import refuse_launcher
from core.run_folder import RunFolder
from core.stage import Replay, Stage, run_stage
from storage.errors import readable_configuration
from storage.replay.absent import absent_of_run
from storage.replay.code import CodeChange, code_changes
from storage.replay.compare import Compared, ReplayVerdict, Rule, exactly
from storage.replay.inputs import (
    absent_input,
    changed_input,
    give_public_draws,
    judges_in_words,
    renamed_by_place,
    scratch_folder,
    units_as_recorded,
)
from storage.replay.lottery import LotteryRule
from storage.replay.rankings import without_lengths
from storage.replay.repetition import ProgressListener, Recorded, Repetition
from storage.replay.rerun import RerunRule
from storage.replay.restored import Restorer, lacking_texts
from storage.replay.stage import compare_stage, shown_only
from storage.setting_changes import config_after

_BY_NAME = {stage.name: stage for stage in STAGES}
_LONG = ("re-run", "not replayable")


@dataclass(frozen=True)
class StageReplay:
    """One stage: its grade, every event of it, and what there is to say of the whole.

    outcome is replayed, recorded (nothing to repeat), not replayed (not asked for) or not available.
    """

    stage: str
    grade: Replay
    outcome: str
    detail: str
    recorded_seconds: float | None
    events: tuple[Compared, ...]

    def count(self, *verdicts: str) -> int:
        """How many events have one of these verdicts."""
        return sum(event.verdict in verdicts for event in self.events)


@dataclass(frozen=True)
class Report:
    """The replay of a run up to an event."""

    run_id: str
    until: int
    code: tuple[CodeChange, ...]
    stages: tuple[StageReplay, ...]

    @property
    def drifted(self) -> list[Compared]:
        """Every event that did not come out again, in the order of the record; those not in the record last."""
        return self._with_verdict("drift")

    @property
    def unchecked(self) -> list[Compared]:
        """Every event that another rule made than this program's, in the order of the record."""
        return self._with_verdict("unchecked")

    def _with_verdict(self, verdict: ReplayVerdict) -> list[Compared]:
        found = [event for stage in self.stages for event in stage.events if event.verdict == verdict]
        return sorted(found, key=lambda event: (event.event is None, event.event or 0))


def replay_run(
    root: Path,
    stage: str | None = None,
    until: int | None = None,
    everything: bool = False,
    progress: ProgressListener = lambda stage, done, total, detail: None,
) -> Report:
    """Replays one stage of a run, or all whose grade needs no model; with `everything`, those as well.

    Raises:
        StorageError: there is no run, it is damaged, or it has no event `until`.
        InputError: there is no such stage, the record does not hold it, or a launcher started several replays.
    """
    refuse_launcher(os.environ)
    check_until(stage)
    with Recorded(RunFolder(root), until) as record:
        with readable_configuration(root.name):
            config = config_after(record.genesis, record.changes)
        changes = tuple(code_changes(record, STAGES))
        recorded = [name for name in _BY_NAME if record.of(name)]
        if stage is not None and stage not in recorded:
            raise InputError(f"stage {stage!r} is not in the record up to event {record.head}")
        work = _Work(record, config, {change.what for change in changes}, progress)
        names = recorded if stage is None else [stage]
        stages = [work.replay(_BY_NAME[name], asked=everything or stage is not None) for name in names]
        if stage is None:
            seen = shown_only("run", record.of("run"), "view", "recorded")
            stages.insert(0, StageReplay("run", "view", "recorded", "engines and operators", None, tuple(seen)))
        return Report(record.genesis.run_id, record.head, changes, tuple(stages))


class _Work:
    """Replays the stages of one record."""

    def __init__(self, record: Recorded, config: RunConfig, changed: set[str], progress: ProgressListener) -> None:
        self.record = record
        self.config = config
        self.changed = changed
        self.progress = progress
        self.keys = stage_keys(config)

    def replay(self, stage: Stage, asked: bool) -> StageReplay:
        """One stage; a long one only where it was asked for."""
        lines = self.record.of(stage.name)
        seconds = [line.values.get("seconds") for line in lines if line.kind == StageCompleted.kind]
        took = seconds[-1] if seconds else None
        units, given = self.record.units(stage.name), units_as_recorded(self.record, stage.name)
        grade = _grade(stage, units.keys(), given.keys())

        def told(outcome: str, detail: str, events: Sequence[Compared]) -> StageReplay:
            return StageReplay(stage.name, grade, outcome, detail, took, tuple(events))

        def shown(verdict: ReplayVerdict, grade: Replay = grade) -> list[Compared]:
            return shown_only(stage.name, lines, grade, verdict)

        if not units:
            skipped = [in_words(line.values.get("reason", "")) for line in lines if line.kind == StageSkipped.kind]
            detail = f"skipped: {skipped[-1]}" if skipped else "none of its units is complete"
            return told("recorded", detail, shown("recorded", "view"))
        if stage.name == "judge" and given.keys() == units.keys():
            return told("recorded", judges_in_words(self.record, asked), shown("recorded"))
        absent = absent_input(self.record, self.config, stage.name) or self._absent_of_run(stage)
        if absent:
            return told("not available", absent, shown("not replayed"))
        if stage.replay in _LONG and not asked:
            does = f"`--stage {stage.name}` or `--all` does it"
            if stage.name == "judge":
                does = judges_in_words(self.record, asked)
            guide = f" (recorded in {took:.0f} s)" if took is not None else ""
            return told("not replayed", f"{does}{guide}", shown("not replayed"))
        self.progress(stage.name, 0, 0, "…")
        try:
            detail, events = self._repeat(stage, given)
            return told("replayed", detail, events)
        except _NotAvailableError as error:
            return told("not available", str(error), shown("not replayed"))

    def _absent_of_run(self, stage: Stage) -> str:
        try:
            return absent_of_run(self.record, self.config, stage)
        except (KeyError, TypeError, AttributeError) as error:
            return f"the record is not what this program writes ({type(error).__name__}: {error}); run `dempo verify`"

    def _repeat(self, stage: Stage, given: Mapping[str, str]) -> tuple[str, list[Compared]]:
        """What to say of the whole, and of every event."""
        repetition = Repetition(self.record, stage.name, self.progress)
        with scratch_folder(self.record, stage.name) as scratch, self._said_of_run(scratch):
            restorer = Restorer(self.record, self.config, repetition, scratch, _BY_NAME, self.keys)
            inputs = _available(lambda: restorer.inputs_of(stage))
            for unit in given:
                repetition.give(unit, _available(lambda: self.record.completed(stage.name))[unit])
            said = {**given, **(give_public_draws(self.record, repetition) if stage.name == "draw" else {})}
            failure = self._run(stage, repetition, scratch, inputs)
            changed = changed_input(self.record, repetition)
            if changed:
                raise _NotAvailableError(changed)
            notes = [failure] if failure else []
            if stage.name == "judge":
                notes.append(judges_in_words(self.record, asked=True))
            if renamed_by_place(self.record, repetition):
                notes.append("the secret of the pseudonyms is not here, so raters were compared by place")
            rule = self._rule(stage, repetition, scratch)
            events = compare_stage(
                self.record, repetition, rule, stage.replay, said, given, self._excused(stage), failure
            )
            return "; ".join([*notes, *_highlights(events)]), events

    def _rule(self, stage: Stage, repetition: Repetition, scratch: RunFolder) -> Rule:
        """How an event of the stage is compared with its partner."""
        if stage.name == "lottery":
            return LotteryRule(self.record.of(stage.name), repetition.lines)
        if stage.name == "rank" and lacking_texts(self.record, "judge"):
            return without_lengths
        return RerunRule(self.record, repetition, scratch) if stage.replay in _LONG else exactly

    def _excused(self, stage: Stage) -> bool:
        """Whether the stage, one that it needs, or the program as a whole is another version than recorded."""
        names = {stage.name}
        for earlier in reversed(STAGES):
            if earlier.name in names:
                names |= set(earlier.needs)
        return bool(self.changed & ({"dempo", "files", "commit"} | {f"stage {name}" for name in names}))

    def _run(self, stage: Stage, repetition: Repetition, scratch: RunFolder, inputs: Sequence[Any]) -> str:
        """Runs the stage into the repetition; what it failed with, where the record is to blame for it.

        Raises:
            _NotAvailableError: it needs something that is not here.
        """
        try:
            run_stage(stage, self.config, repetition, scratch, self.keys[stage.name], inputs, completed=None)
        except Waiting:
            return ""  # draws that nobody accepted yet are not in the record either
        except (InfeasibleQuotas, VerificationFailed) as error:
            return f"it fails now: {error}"
        except (DempoError, OSError) as error:
            raise _NotAvailableError(str(error)) from error
        except Exception as error:  # noqa: BLE001 - a changed record can lead anywhere; it is told as drift
            return f"it fails now: {type(error).__name__}: {error}"
        return ""

    @contextmanager
    def _said_of_run(self, scratch: RunFolder) -> Iterator[None]:
        """What is said of a file of the scratch folder is said of the run's own file that it stands for."""
        try:
            yield
        except _NotAvailableError as error:
            sentence = str(error).replace(str(scratch.root), str(self.record.folder.root))
            raise _NotAvailableError(sentence) from error


def _grade(stage: Stage, units: Collection[str], given: Collection[str]) -> Replay:
    """The grade of a stage in this record: only judges behind an API cannot be asked again."""
    askable = stage.replay == "not replayable" and set(units) - set(given)
    return "re-run" if askable else stage.replay


def _highlights(events: Sequence[Compared]) -> list[str]:
    """What the line of a stage says of lotteries and draws."""
    told = [event for event in events if event.kind in ("lottery.solved", "draw.made") and event.unit]
    return [f"{event.unit}: {event.detail}" for event in told if event.detail and event.verdict in ("same", "agrees")]


class _NotAvailableError(Exception):
    """A stage cannot be repeated here; the message says what is missing."""


def _available(compute: Callable[[], Any]) -> Any:
    """Something restored from the record.

    Raises:
        _NotAvailableError: the record does not hold it in full, or in another form.
    """
    try:
        return compute()
    except (DempoError, OSError) as error:
        raise _NotAvailableError(f"its inputs cannot be restored from the record: {error}") from error
    except Exception as error:  # any value of a changed record may be the cause
        raise _NotAvailableError(
            f"its inputs cannot be restored from the record: {type(error).__name__}: {error}; run `dempo verify`"
        ) from error
