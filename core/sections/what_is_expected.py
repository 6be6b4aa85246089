"""What is expected of the rankings before there are any: [plan]."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.facts.ranking.intervals import EXPANDED_BELOW, NO_INTERVAL, interval_kind
from core.facts.ranking.methods import Method
from core.sections.section import Identifier, Section, require_distinct, require_known
from core.sections.who_judges import RankSection

Words = Annotated[str, Field(min_length=1, max_length=1000)]


class HypothesisSection(Section):
    """One condition is better than another."""

    name: Identifier
    better: str = Field(description="the condition that is expected to be better")
    than: str = Field(description="the condition that it is compared with")
    by: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="the smallest difference that counts, in the units of the primary method's scores",
    )
    note: Words | None = None

    @model_validator(mode="after")
    def _of_two(self) -> HypothesisSection:
        if self.better == self.than:
            raise ValueError(
                f"hypothesis {self.name!r}: {self.better!r} cannot be better than itself; name two conditions"
            )
        return self


class PlanSection(Section):
    """What is tested, and how, recorded before the first judge is asked.

    resample and confidence say again what [rank] says, so that the plan can be read alone; left out, they are those.
    """

    title: Words | None = None
    primary: Method = Field(description="the method whose scores the hypotheses are tested on, one of rank.methods")
    resample: Literal["questions", "rankings", "clauses"] | None = None
    confidence: float | None = Field(default=None, gt=0, lt=1)
    hypotheses: tuple[HypothesisSection, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> PlanSection:
        require_distinct([one.name for one in self.hypotheses], "hypothesis")
        seen: dict[tuple[str, str, float], str] = {}
        sides: dict[tuple[str, str], str] = {}
        for one in self.hypotheses:
            same = seen.setdefault((one.better, one.than, one.by), one.name)
            if same != one.name:
                raise ValueError(f"hypotheses {same!r} and {one.name!r} expect the same; plan one of them")
            other = sides.get((one.than, one.better))
            if other is not None:
                raise ValueError(
                    f"hypotheses {other!r} and {one.name!r} expect the opposite, so one of them holds whatever comes; "
                    "plan the one that you expect"
                )
            sides.setdefault((one.better, one.than), one.name)
        return self


def check_plan_of(plan: PlanSection, rank: RankSection, conditions: tuple[str, ...], judged: bool) -> None:
    """Refuses a plan that does not fit the run.

    Raises:
        ValueError: nobody is asked, a condition is unknown, or [rank] computes something else.
    """
    if not judged:
        raise ValueError("[plan] is tested on what judges say, and the configuration has no [judge]; add it")
    for one in plan.hypotheses:
        require_known(one.better, conditions, f"plan, hypothesis {one.name!r}: condition")
        require_known(one.than, conditions, f"plan, hypothesis {one.name!r}: condition")
    if plan.primary not in rank.methods:
        raise ValueError(
            f"plan.primary: {plan.primary!r} is not among rank.methods, so nothing would be tested; add it there"
        )
    asked = bool(rank.published_intervals)
    if interval_kind(plan.primary, len(conditions), EXPANDED_BELOW, asked) == NO_INTERVAL:
        raise ValueError(
            f"plan.primary: {plan.primary!r} has no intervals with {len(conditions)} conditions, so it tests no "
            "hypothesis; set rank.published_intervals, or name another method"
        )
    for name in ("resample", "confidence"):
        planned, computed = getattr(plan, name), getattr(rank, name)
        if planned is not None and planned != computed:
            raise ValueError(
                f"plan.{name} is {planned!r} and rank.{name} is {computed!r}: what is planned is what is "
                "computed, so make them the same"
            )
