"""Stages and units: what was begun, done again and completed, and which events count because of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from core.facts.stages import STAGE_FACTS, WORKING_KINDS
from core.facts.training.steps_match import CANDIDATE_MARK

Sentence = tuple[str, int]
"""What is wrong, and the number of the first event that shows it."""

STAGE_KINDS = ("stage.started", "stage.planned", "stage.completed", "stage.skipped")

RUN_KINDS = (
    "run.created",
    "engine.started",
    "engine.stopped",
    "head.signed",
    "operator.action",
    "settings.changed",
    "plan.deviated",
)
"""Kinds of events about the run as a whole, recorded under the name "run"."""

HOME_STAGES = {kind: name for name, stage in STAGE_FACTS.items() for kind in stage.kinds} | dict.fromkeys(
    RUN_KINDS, "run"
)
"""The one stage in which each kind of event is recorded; views ask for the kind and not for the stage."""

REOPENING = "judge.reopened"
"""The kind of event that names completed units which are done again."""

WITHOUT_UNIT = (*STAGE_KINDS, "draw.committed", "draw.decided", REOPENING)
"""With the kinds of the stage "run": events that belong to no unit."""

WITH_OR_WITHOUT = ("seed.derived", "draw.made")

RECORDED_AT_ONCE = (
    "lottery.bounded",
    "train.predicted",
    "train.start",
    "train.step",
    "heldout.measured",
    *WORKING_KINDS,
)
"""Events that are recorded while their unit goes on, so an interrupted attempt leaves them behind. All others,
but for calls that failed (`MAY_FAIL`), are written together with the end of their unit."""

MAY_FAIL = ("judge.called", "answer.received")
"""Kinds of calls to endpoints: one that failed is recorded at once, and its unit done again."""


@dataclass
class UnitState:
    """A unit of work as far as the record tells: its last attempt and how many events of each kind that has, the
    attempt that was completed last, and whether it has been reopened since."""

    attempt: int = 0
    completed: int = 0
    reopened: bool = False
    contents: Counter[str] = field(default_factory=Counter)


@dataclass
class StageState:
    """A stage as far as the record tells; `begun` and `ended` are the events that started it first, and that
    completed or skipped it."""

    key: str = ""
    begun: int | None = None
    planned: int | None = None
    ended: int | None = None
    skipped: bool = False
    units: int = 0


@dataclass
class Ledger:
    """Fed with every event in its order; keeps the first thing that is out of order."""

    units: dict[tuple[str, str], UnitState] = field(default_factory=dict)
    stages: dict[str, StageState] = field(default_factory=dict)
    unfinished: tuple[int, tuple[str, str | None, int]] | None = None
    running: bool = False
    adrift: Sentence | None = None
    """The first event of a stage's work that was recorded while no engine ran, or before the stage had begun."""
    found_wrong: Sentence | None = None

    def add(self, seq: int, stage: str, kind: str, values: dict[str, Any], unit: str | None, attempt: int) -> None:
        """Notes one event; `values` are the fields of its kind."""
        problems = (
            self._place(stage, kind, unit, attempt),
            self._stage(seq, stage, kind, values),
            self._unit(stage, kind, unit, attempt),
            self._reopening(stage, kind, values),
        )
        self._whole_unit(seq, stage, kind, values, unit, attempt)
        self._at_work(seq, stage, kind, unit)
        problem = next(filter(None, problems), "")
        if problem and self.found_wrong is None:
            self.found_wrong = (f"event {seq}: {problem}", seq)

    @property
    def wrong(self) -> Sentence | None:
        """The first thing that is out of order, once every event was added."""
        if self.found_wrong is None and self.unfinished is not None:
            return f"event {self.unfinished[0]}: {_UNFINISHED}", self.unfinished[0]
        return self.found_wrong

    def _place(self, stage: str, kind: str, unit: str | None, attempt: int) -> str:
        """Whether a kind of event belongs where it stands; views would show it wherever it is."""
        home = HOME_STAGES.get(kind, stage)
        if stage != home:
            return f"{kind} belongs to stage {home!r} and was recorded in stage {stage!r}"
        alone = kind in WITHOUT_UNIT or home == "run"
        if kind not in WITH_OR_WITHOUT and alone != (unit is None):
            return f"{kind} {'belongs to no unit' if alone else 'names no unit'}"
        if self.unfinished is not None and self.unfinished[1] != (stage, unit, attempt):
            return f"event {self.unfinished[0]}, just before, {_UNFINISHED}"
        return ""

    def _whole_unit(
        self, seq: int, stage: str, kind: str, values: dict[str, Any], unit: str | None, attempt: int
    ) -> None:
        """Notes that an event has to be followed by the end of its unit, with nothing else in between."""
        if kind == "unit.completed" or unit is None:
            self.unfinished = None
        elif kind not in RECORDED_AT_ONCE and not (kind in MAY_FAIL and values["outcome"] == "failed"):
            self.unfinished = (seq, (stage, unit, attempt))

    def _at_work(self, seq: int, stage: str, kind: str, unit: str | None) -> None:
        """Notes work without an engine, or in a stage that had not begun. Public draws are made between engines."""
        if kind in ("engine.started", "engine.stopped"):
            self.running = kind == "engine.started"
        work = kind in STAGE_KINDS or (unit is not None and stage != "draw")
        if not work or self.adrift is not None:
            return
        if not self.running:
            self.adrift = (f"event {seq} was recorded while no engine ran", seq)
        elif unit is not None and self.stages[stage].begun is None:
            self.adrift = (f"event {seq} belongs to stage {stage!r}, which had not begun", seq)

    def _stage(self, seq: int, stage: str, kind: str, values: dict[str, Any]) -> str:
        state = self.stages.setdefault(stage, StageState())
        if state.ended is not None:
            return f"stage {stage!r} had ended with event {state.ended}"
        if kind not in STAGE_KINDS:
            return ""
        if values["name"] != stage:
            return f"it speaks of stage {values['name']!r} and was recorded in stage {stage!r}"
        if kind == "stage.started":
            again = state.key not in ("", values["key"])
            state.key, state.begun = values["key"], state.begun or seq
            return f"stage {stage!r} goes on under another key" if again else ""
        if kind == "stage.planned":
            before, state.planned = state.planned, values["units"]
            return f"stage {stage!r} had planned {before} units" if before not in (None, state.planned) else ""
        state.ended, state.skipped = seq, kind == "stage.skipped"
        if state.skipped:
            return f"stage {stage!r} was begun, so it was not skipped" if state.begun or state.units else ""
        return self._ending(stage, state, values)

    def _ending(self, stage: str, state: StageState, values: dict[str, Any]) -> str:
        if values["key"] != state.key:
            return f"stage {stage!r} is completed under another key than it was begun under"
        if state.planned != state.units:
            return f"stage {stage!r} is called completed with {state.units} units of {state.planned}"
        left = (unit for (own, unit), done in self.units.items() if own == stage and _is_left(done))
        begun = next(left, None)
        return "" if begun is None else f"stage {stage!r} is called completed, and its unit {begun!r} is not"

    def _unit(self, stage: str, kind: str, unit: str | None, attempt: int) -> str:
        if unit is None:
            return ""
        state = self.units.setdefault((stage, unit), UnitState())
        if attempt < state.attempt:
            return f"attempt {attempt} of unit {unit!r} goes on after attempt {state.attempt} was begun"
        if state.completed and not (state.reopened and attempt > state.completed):
            return f"unit {unit!r} had been completed by attempt {state.completed}"
        if kind == "unit.completed" and state.attempt not in (0, attempt):
            return f"unit {unit!r} is completed by attempt {attempt}, of which nothing else is recorded"
        if attempt > state.attempt:
            state.contents = Counter()
        state.attempt = attempt
        if kind == "unit.completed":
            self.stages[stage].units += not state.completed and not _is_candidate(stage, unit)
            state.completed, state.reopened = attempt, False
        else:
            state.contents[kind] += 1
        return ""

    def _reopening(self, stage: str, kind: str, values: dict[str, Any]) -> str:
        """Which calls an operator asked for again: whether each had an outcome that is named, a check of calls says."""
        if kind != REOPENING:
            return ""
        for unit in values["units"]:
            state = self.units.get((stage, unit), UnitState())
            if not state.completed or state.reopened:
                return f"unit {unit!r} is done again, and it is not completed"
            state.reopened = True
        return "" if values["units"] else "no unit is done again"

    def counts(self, stage: str, unit: str | None, attempt: int) -> bool:
        """Whether an event belongs to the completed attempt of its unit."""
        return unit is not None and self.units[stage, unit].completed == attempt

    def ended(self, stage: str) -> bool:
        """Whether a stage is recorded as completed."""
        state = self.stages.get(stage)
        return state is not None and state.ended is not None and not state.skipped


def _is_candidate(stage: str, unit: str) -> bool:
    """Whether a unit is of a search: how many there will be is not known before, so none of them is planned."""
    return stage == "train" and CANDIDATE_MARK in unit


def _is_left(unit: UnitState) -> bool:
    return unit.reopened or not unit.completed


_UNFINISHED = "belongs to a unit of which the end does not follow, though both are written together"
