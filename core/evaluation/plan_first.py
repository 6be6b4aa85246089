"""The plan, recorded before the first judge is asked."""

from __future__ import annotations

from core.config import resolved
from core.events import PlannedHypothesis, PlanRecorded, RunCreated
from core.facts.ranking.hypotheses import PLAN_RULE, PLAN_UNIT, standings
from core.stage import Context, Unit


def plan_units(ctx: Context) -> int:
    """How many units the plan takes."""
    return 0 if ctx.config.plan is None else 1


def record_plan(ctx: Context) -> None:
    """Records what the configuration plans, and how each hypothesis stands beside rankings that existed before."""
    if ctx.config.plan is not None:
        ctx.unit(PLAN_UNIT, lambda unit: _record(ctx, unit))


def _record(ctx: Context, unit: Unit) -> None:
    plan, rank = ctx.config.plan, ctx.config.rank
    assert plan is not None, "a unit of runs with a plan"
    earlier = [run for genesis in ctx.recorder.every(RunCreated) for run in genesis.earlier_plans or ()]
    stands = standings(resolved(ctx.config), [run.model_dump(mode="json") for run in earlier])
    hypotheses = [
        PlannedHypothesis(
            name=one.name,
            better=one.better,
            than=one.than,
            by=one.by,
            note=one.note,
            standing=stands[one.name][0],
            reason=stands[one.name][1],
        )
        for one in plan.hypotheses
    ]
    unit.add(
        PlanRecorded(
            title=plan.title,
            primary=plan.primary,
            resample=rank.resample,
            resamples=rank.resamples,
            confidence=rank.confidence,
            hypotheses=hypotheses,
            rule=PLAN_RULE,
        )
    )
