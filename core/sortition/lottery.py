"""From floating-point weights to the exact lottery that is recorded and drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.errors import VerificationFailed
from core.sortition.panels import Composition
from core.sortition.problem import PanelProblem
from core.types import LOTTERY_DENOMINATOR, Lottery, Quota

ACCEPTED_DIFFERENCE = 1e-6
"""Largest |π − optimum| of a lottery that calls itself LEXIMIN; reached values are about 1e-10."""


def exact_weights(weights: Sequence[Fraction], denominator: int = LOTTERY_DENOMINATOR) -> list[int]:
    """Numerators over the denominator that sum to it exactly, by largest remainders.

    Each differs from its proportional share by less than one; ties go to the earlier weight.
    """
    if any(w < 0 for w in weights):
        raise ValueError("weights must not be negative")
    total = sum(weights, Fraction(0))
    if total <= 0:
        raise ValueError("a weight must be positive")
    shares = [w * denominator / total for w in weights]
    numerators = [int(share) for share in shares]
    missing = denominator - sum(numerators)
    by_remainder = sorted(range(len(shares)), key=lambda i: (numerators[i] - shares[i], i))
    for i in by_remainder[:missing]:
        numerators[i] += 1
    return numerators


def lottery_of(
    name: str,
    problem: PanelProblem,
    quotas: Sequence[Quota],
    panels: Sequence[Composition],
    weights: Sequence[Fraction],
    *,
    within_quotas: bool = True,
) -> Lottery:
    """The lottery with these compositions; those whose weight rounds to zero are left out.

    Raises:
        VerificationFailed: a composition is not feasible when checked in integers.
    """
    numerators = exact_weights(weights)
    kept = [(panel, numerator) for panel, numerator in zip(panels, numerators, strict=True) if numerator > 0]
    if within_quotas:
        for p, (panel, _) in enumerate(kept):
            wrong = problem.violation(panel)
            if wrong is not None:
                raise VerificationFailed(f"panel {p} of lottery {name!r} breaks the quotas: {wrong}")
    return Lottery(
        name=name,
        size=problem.size,
        quotas=tuple(quotas),
        type_sizes=problem.type_sizes,
        panels=tuple(panel for panel, _ in kept),
        numerators=tuple(numerator for _, numerator in kept),
    )


def largest_difference(lottery: Lottery, optimum: NDArray[np.float64]) -> float:
    """max_t |π_t − optimum_t|, with π from the integers."""
    return max(abs(float(pi - Fraction(float(o)))) for pi, o in zip(lottery.inclusion_by_type(), optimum, strict=True))


def require_reached(lottery: Lottery, optimum: NDArray[np.float64]) -> float:
    """The largest difference, where it is small enough to call the lottery optimal.

    Raises:
        VerificationFailed: it is not.
    """
    difference = largest_difference(lottery, optimum)
    if difference > ACCEPTED_DIFFERENCE:
        raise VerificationFailed(
            f"lottery {lottery.name!r} misses the LEXIMIN optimum by {difference:.1e} for some type "
            f"(accepted: {ACCEPTED_DIFFERENCE:.0e}); it was not recorded"
        )
    return difference
