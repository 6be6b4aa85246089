"""What share of a step's loss each pair has under an estimator, and what raters are due of it and get, by their π."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

DECILES = 10
ROUNDED_TO = 10**9


def weights_in_loss(omega: Sequence[float], estimator: str, micro_batch: int) -> list[float]:
    """What each scheduled pair counts in the loss of its step, Σcℓ/Σc over the step.

    ω for "step_normalised". One for "weighted_sampling", where ω has done its work in the schedule. For "published" ω
    over the sum of its micro-batch: then the loss is the mean over micro-batches of Σωℓ/Σω inside each.

    Args:
        omega: ω of every scheduled pair in the schedule's order; positive.
        micro_batch: pairs of a micro-batch, which are consecutive; a step is a whole number of them.
    """
    if estimator == "weighted_sampling":
        return [1.0] * len(omega)
    if estimator != "published":
        return list(omega)
    found: list[float] = []
    for start in range(0, len(omega), micro_batch):
        inside = omega[start : start + micro_batch]
        total = math.fsum(inside)
        found += [weight / total for weight in inside]
    return found


def deciles_by(chances: Sequence[Fraction]) -> list[int]:
    """The decile of each rater, 1 (lowest π) to 10: ⌊10·p / n⌋ + 1 for the rater at place p, from 0, of n by π.

    Raters whose π is equal to nine decimals stand in the order in which they are given: a lottery's probabilities are
    rounded to its denominator, which alone must not decide who comes first.
    """
    rounded = [round(pi * ROUNDED_TO) for pi in chances]
    ordered = sorted(range(len(chances)), key=lambda r: rounded[r])
    found = [0] * len(chances)
    for place, r in enumerate(ordered):
        found[r] = DECILES * place // len(chances) + 1
    return found


def shares_of(deciles: Sequence[int], amounts: Sequence[float]) -> list[float]:
    """The share of each decile in Σ amounts, from the lowest; amounts are not negative, and not all zero."""
    total = math.fsum(amounts)
    inside: list[list[float]] = [[] for _ in range(DECILES)]
    for decile, amount in zip(deciles, amounts, strict=True):
        inside[decile - 1].append(amount)
    return [math.fsum(some) / total for some in inside]


def realised_shares(deciles: Sequence[int], counted: Sequence[float], batch: int) -> list[float]:
    """The mean over steps of each decile's share of the weight in the loss, from the lowest decile.

    Args:
        deciles, counted: the decile of the rater and c of `weights_in_loss`, of every scheduled pair.
        batch: pairs of a step.
    """
    steps = [
        shares_of(deciles[start : start + batch], counted[start : start + batch])
        for start in range(0, len(counted), batch)
    ]
    return [math.fsum(step[decile] for step in steps) / len(steps) for decile in range(DECILES)]
