"""Stages and units: what was begun, done again and completed, and which events count because of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Sentence = tuple[str, int]
"""What is wrong, and the number of the first event that shows it."""


@dataclass
class UnitState:
    """A unit of work as far as the record tells: its last attempt, and the one that was completed."""

    attempt: int = 0
    completed: int = 0


@dataclass
class StageState:
    """A stage as far as the record tells; `ended` is the event that completed or skipped it."""

    key: str = ""
    planned: int | None = None
    ended: int | None = None
    skipped: bool = False
    units: int = 0


@dataclass
class Ledger:
    """Fed with every event in its order; keeps the first thing that is out of order."""

    units: dict[tuple[str, str], UnitState] = field(default_factory=dict)
    stages: dict[str, StageState] = field(default_factory=dict)
    wrong: Sentence | None = None

    def add(self, seq: int, stage: str, kind: str, values: dict[str, Any], unit: str | None, attempt: int) -> None:
        """Notes one event; `values` are the fields of its kind."""
        problem = self._stage(seq, stage, kind, values) or self._unit(stage, kind, unit, attempt)
        if problem and self.wrong is None:
            self.wrong = (f"event {seq}: {problem}", seq)

    def _stage(self, seq: int, stage: str, kind: str, values: dict[str, Any]) -> str:
        state = self.stages.setdefault(stage, StageState())
        if state.ended is not None:
            return f"stage {stage!r} had ended with event {state.ended}"
        if kind not in ("stage.started", "stage.planned", "stage.completed", "stage.skipped"):
            return ""
        if values["name"] != stage:
            return f"it speaks of stage {values['name']!r} and was recorded in stage {stage!r}"
        if kind == "stage.started":
            again = state.key not in ("", values["key"])
            state.key = values["key"]
            return f"stage {stage!r} goes on under another key" if again else ""
        if kind == "stage.planned":
            state.planned = values["units"]
            return ""
        state.ended, state.skipped = seq, kind == "stage.skipped"
        return self._ending(stage, state, values) if kind == "stage.completed" else ""

    def _ending(self, stage: str, state: StageState, values: dict[str, Any]) -> str:
        if values["key"] != state.key:
            return f"stage {stage!r} is completed under another key than it was begun under"
        if state.planned is None or state.units < state.planned:
            return f"stage {stage!r} is called completed with {state.units} units of {state.planned}"
        return ""

    def _unit(self, stage: str, kind: str, unit: str | None, attempt: int) -> str:
        if unit is None:
            return f"{kind} names no unit" if kind == "unit.completed" else ""
        state = self.units.setdefault((stage, unit), UnitState())
        if attempt < state.attempt:
            return f"attempt {attempt} of unit {unit!r} goes on after attempt {state.attempt} was begun"
        if state.completed:
            return f"unit {unit!r} had been completed by attempt {state.completed}"
        if kind == "unit.completed" and state.attempt not in (0, attempt):
            return f"unit {unit!r} is completed by attempt {attempt}, of which nothing else is recorded"
        state.attempt = attempt
        if kind == "unit.completed":
            state.completed = attempt
            self.stages[stage].units += 1
        return ""

    def counts(self, stage: str, unit: str | None, attempt: int) -> bool:
        """Whether an event belongs to the completed attempt of its unit."""
        return unit is not None and self.units[stage, unit].completed == attempt

    def ended(self, stage: str) -> bool:
        """Whether a stage is recorded as completed."""
        state = self.stages.get(stage)
        return state is not None and state.ended is not None and not state.skipped
