"""The hypotheses of a plan, tested on the primary method's scores and over the resamples of all leaderboards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.events import HypothesisTested, PlanTested
from core.facts.ranking.hypotheses import PLAN_RULE, TESTED_UNIT, after_holm, decision_of, one_sided, share_above
from core.facts.ranking.methods import CONSENSUS_METHODS, Method
from core.ranking import bootstrap
from core.ranking.counts import Floats
from core.ranking.leaderboards import Aggregation, Estimate
from core.sections.what_is_expected import HypothesisSection, PlanSection
from core.stage import Context, Unit


def tested_units(ctx: Context) -> int:
    """How many units the tests take."""
    return 0 if ctx.config.plan is None else 1


def record_tests(ctx: Context, aggregation: Aggregation) -> None:
    """Records what the rankings say of every hypothesis, where there is a plan."""
    plan = ctx.config.plan
    if plan is None:
        return

    def compute(unit: Unit) -> None:
        rows = list(hypotheses_tested(aggregation, plan))
        unit.add(PlanTested(method=plan.primary, units=aggregation.units_of(plan.primary), rows=rows, rule=PLAN_RULE))

    ctx.unit(TESTED_UNIT, compute)


def hypotheses_tested(aggregation: Aggregation, plan: PlanSection) -> Iterator[HypothesisTested]:
    """What the rankings say of each hypothesis, in the plan's order.

    The interval is that of the difference within each resample: two scores of one resample move together, so the
    intervals of the two conditions say little about it.
    """
    estimate = aggregation.estimate(plan.primary)
    units = aggregation.units_of(plan.primary)
    tail = aggregation.tail_over(units)
    found = []
    for one in plan.hypotheses:
        difference, samples = _difference(aggregation, estimate, plan.primary, one)
        low, high = (float(end) for end in bootstrap.percentile_interval(samples, tail))
        holds = share_above(samples.tolist(), one.by)
        found.append((one, difference, low, high, holds, one_sided(holds, len(samples), units)))
    corrected = after_holm([p for *_, p in found])
    for (one, difference, low, high, holds, p), of_all in zip(found, corrected, strict=True):
        yield HypothesisTested(
            name=one.name,
            difference=difference,
            low=low,
            high=high,
            holds=holds,
            p=p,
            adjusted=of_all,
            verdict=decision_of(low, high, one.by, of_all, aggregation.config.confidence),
        )


def _difference(
    aggregation: Aggregation, estimate: Estimate, method: Method, one: HypothesisSection
) -> tuple[float, Floats]:
    """Of the data and of each resample (B,): the score of `better` minus that of `than`; of places, which are better
    the lower they are, the other way round. Equal scores differ by nothing, where both are infinite as well."""
    conditions = list(aggregation.ballots.conditions)
    scores = np.vstack([estimate.score[None], estimate.samples])
    better, than = (scores[:, conditions.index(name)] for name in (one.better, one.than))
    if method in CONSENSUS_METHODS:
        better, than = than, better
    difference = np.zeros(len(scores))
    np.subtract(better, than, out=difference, where=better != than)
    return float(difference[0]), difference[1:]
