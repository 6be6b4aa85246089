"""What whoever starts a run should know of its plan; nothing is wrong with it."""

from __future__ import annotations

import math

from core.config import RunConfig
from core.facts.plural import number_of


def plan_notes(config: RunConfig) -> tuple[str, ...]:
    """A sentence where resamples are too few for every hypothesis to be supported, or rankings exist already."""
    if config.plan is None:
        return ()
    return tuple(filter(None, (_few_resamples(config), _existing(config))))


def _few_resamples(config: RunConfig) -> str:
    plan, rank = config.plan, config.rank
    planned = len(plan.hypotheses) if plan else 0
    needed = math.ceil(2 * planned / (1 - rank.confidence) - 1e-6) - 1
    if rank.resamples >= needed:
        return ""
    return (
        f"rank.resamples = {rank.resamples} cannot support {number_of(planned, 'hypothesis', 'hypotheses')} at "
        f"confidence {rank.confidence:g}, whatever the rankings say: the smallest p value "
        f"is one in {rank.resamples + 1}; {needed} or more can"
    )


def _existing(config: RunConfig) -> str:
    read = [judge.label for judge in config.judge.judges if judge.kind == "recorded"] if config.judge else []
    if not read:
        return ""
    return f"the rankings of judge {read[0]!r} exist before this plan, so every hypothesis is recorded as exploratory"
