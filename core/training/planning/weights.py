"""Weights of raters: w_r per rater; one of r's pairs counts ω = w_r / N_r.

| source           | w_r               | ω of a pair   |
|------------------|-------------------|---------------|
| all, us_rep      | N_r               | 1             |
| … equal_voice    | 1                 | 1 / N_r       |
| population       | as `all`          |               |
| draw (hard)      | 1 for members     | 1 / N_r       |
| lottery (soft)   | f(π_r)            | f(π_r) / N_r  |

Raters with π = 0, or none of whose pairs may be trained on, have weight 0 and are dropped. The first three sources take
every rater with a pair, also those whom the pool leaves out because an answer of theirs has no category: no lottery can
draw them, so their π is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.facts.sources import source_kind, trains
from core.facts.training.transforms import transformed
from core.sections.what_trains import ConditionSection
from core.types import Draw, Lottery, Pool, PreferencePairs

T = TypeVar("T")


def rater_weights(
    condition: ConditionSection,
    pairs: PreferencePairs,
    pool: Pool,
    lotteries: Sequence[Lottery],
    draws: Sequence[Draw],
) -> NDArray[np.float64]:
    """w_r for every rater of `pairs`, shape (R,); zero for those the condition leaves out.

    Pool and pairs number raters differently: pool member i is rater `pool.rater[i]` of the pairs.

    Raises:
        InputError: an option that the source has no use for, a draw that was not accepted, or no rater is left.
    """
    require_options(condition)
    kind, _, name = condition.source.partition(":")
    counts = pairs.pairs_per_rater()
    weight = np.zeros(len(pairs.raters), dtype=np.float64)
    if kind in ("all", "population", "us_rep"):
        for r in np.flatnonzero(counts):
            if kind != "us_rep" or pairs.raters[r].us_rep:
                weight[r] = 1.0 if condition.equal_voice else float(counts[r])
    elif kind == "draw":
        for i in _named(draws, "draw", name, condition).members:
            weight[pool.rater[i]] = 1.0
    elif kind == "lottery":
        weight[:] = transformed(chances_of(condition, pairs, pool, lotteries), condition.transform)
    weight[counts == 0] = 0.0
    if trains(condition.source) and not weight.any():
        raise InputError(f"condition {condition.name!r}: source {condition.source!r} leaves no rater with a pair")
    return weight


def chances_of(
    condition: ConditionSection, pairs: PreferencePairs, pool: Pool, lotteries: Sequence[Lottery]
) -> list[Fraction]:
    """π of every rater of `pairs` in the condition's lottery, exactly; zero for whoever is not in the pool.

    All are zero where the condition's source is no lottery.
    """
    kind, _, name = condition.source.partition(":")
    found = [Fraction(0)] * len(pairs.raters)
    if kind == "lottery":
        lottery = _named(lotteries, "name", name, condition)
        for r, pi in zip(pool.rater, lottery.inclusion(pool.type_of), strict=True):
            found[r] = pi
    return found


def require_options(condition: ConditionSection) -> None:
    """Refuses an option that a condition's source has no use for.

    Raises:
        InputError: names it.
    """
    kind = source_kind(condition.source)
    if condition.transform != "identity" and kind != "lottery":
        raise InputError(
            f"condition {condition.name!r}: transform {condition.transform!r} applies to π, "
            f"so it needs a source 'lottery:<name>', not {condition.source!r}"
        )
    if condition.equal_voice and kind in ("draw", "lottery"):
        raise InputError(
            f"condition {condition.name!r}: equal_voice has no use with source {condition.source!r}, "
            "whose weights already count raters and not pairs; remove it"
        )


def _named(items: Sequence[T], field: str, name: str, condition: ConditionSection) -> T:
    for item in items:
        if getattr(item, field) == name:
            return item
    raise InputError(
        f"condition {condition.name!r}: the run holds no accepted result for {condition.source!r}; "
        "check the draws and lotteries stages"
    )
