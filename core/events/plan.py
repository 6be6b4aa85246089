"""The plan of a run: what was expected before judges were asked, what came of it, and where it was deviated from."""

from __future__ import annotations

from typing import ClassVar

from core.events.base import Event, Number, Part, described, volatile
from core.facts.ranking.hypotheses import Decision, Standing


class PlannedHypothesis(Part):
    """One condition is better than another by more than `by`; how that stands when it is recorded, and why."""

    name: str
    better: str
    than: str
    by: float
    note: str | None = None
    standing: Standing
    reason: str = ""


class PlanRecorded(Event):
    """What is tested, and how: recorded before the first judge is asked.

    A hypothesis is exploratory where rankings existed before it was planned: a judge's file, or another run's that this
    one repeats or takes over (`earlier_plans` of `run.created`).
    """

    kind: ClassVar[str] = "plan.recorded"
    title: str | None = described("what the plan is called", default=None)
    primary: str = described("the method whose scores the hypotheses are tested on")
    resample: str = described("what the bootstrap resamples: questions, rankings or clauses")
    resamples: int = described("number of resamples")
    confidence: float = described("coverage of the percentile intervals")
    hypotheses: list[PlannedHypothesis] = described("the hypotheses, in the configuration's order")
    rule: int = described("number of the rule by which each stands (`docs/plan.md`)")


class HypothesisTested(Part):
    """The difference of two scores, positive in favour of the condition that is expected to be better.

    holds is the share of resamples in which it is above `by`; p the one-sided bootstrap p value, and adjusted that
    after Holm over all hypotheses of the plan.
    """

    name: str
    difference: Number
    low: Number
    high: Number
    holds: float
    p: float
    adjusted: float
    verdict: Decision


class PlanTested(Event):
    """What the rankings say of each hypothesis, by the primary method and over the resamples of all leaderboards."""

    kind: ClassVar[str] = "plan.tested"
    method: str = described("the primary method")
    units: int = described("how many questions, rankings or clauses the bootstrap resamples")
    rows: list[HypothesisTested] = described("the hypotheses, in the plan's order")
    rule: int = described("number of the rule of p values and verdicts (`docs/plan.md`)")


class PlanDeviated(Event):
    """An operator says that hypotheses were not tested as planned. Nothing takes it back."""

    kind: ClassVar[str] = "plan.deviated"
    hypotheses: list[str] = volatile("their names")
    reason: str = volatile("what differs from the plan and why, in words")
