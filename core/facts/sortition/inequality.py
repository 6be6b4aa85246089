"""How unequal the inclusion probabilities of a pool are, one π per rater.

The measures by which the DemPO paper compares selection algorithms (appendix A.4), and those whom the quotas leave
without any chance, or leave no chance to be passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def inequality(pi: Sequence[Fraction], size: int) -> dict[str, float]:
    """All measures by their names; π is exact, and rounded once.

    Gini: Σ_ij |π_i − π_j| / (2·n·Σπ), 0 where all are equal, towards 1 where one rater has everything. The ratio of the
    largest to the smallest is infinite where a rater has no chance. The coefficient of variation is the standard
    deviation of the pool as a whole (divisor n) over the mean.

    Args:
        size: of the panel.

    Raises:
        ValueError: there is nobody, or nobody has a chance.
    """
    ordered = sorted(map(float, pi))
    n, total = len(ordered), math.fsum(ordered)
    if total <= 0:
        raise ValueError("how unequal chances are needs a positive probability")
    mean = total / n
    return {
        "raters": n,
        "smallest": ordered[0],
        "largest": ordered[-1],
        "equal": size / n,
        "gini": math.fsum((2 * i + 1 - n) * p for i, p in enumerate(ordered)) / (n * total),
        "max_min_ratio": ordered[-1] / ordered[0] if ordered[0] else math.inf,
        "coefficient_of_variation": math.sqrt(math.fsum((p - mean) ** 2 for p in ordered) / n) / mean,
        "without_chance": sum(p == 0 for p in ordered),
        "certain": sum(p == 1 for p in pi),
    }


BINS = 20
"""Intervals of equal width from 0 to 1 in which a histogram counts people by π."""


def histogram(pi: Sequence[Fraction]) -> list[int]:
    """How many raters have a π in each interval [b/20, (b+1)/20); π = 1 is in the last one."""
    found = [0] * BINS
    for p in pi:
        found[min(int(p * BINS), BINS - 1)] += 1
    return found
