"""Which percentiles of the resamples bound an interval.

Those of (1 − c)/2 and (1 + c)/2 cover too little where few units are resampled: their width is that of a standard
deviation over n instead of n − 1, and of the normal instead of Student's t. The expanded percentile interval
(Hesterberg 2015, "What Teachers Should Know About the Bootstrap") has tails of Φ(−√(n/(n − 1))·t) instead, t being
the (1 + c)/2 quantile with n − 1 degrees of freedom, which is right for means. It stays within what the resamples
reach, and takes no resample more.
"""

from __future__ import annotations

import math

EXPANDED_BELOW = 50
"""Units; with as many, the tails of 95 % are 2.1 % instead of 2.5 %."""

PERCENTILE, EXPANDED, NO_INTERVAL = "percentile", "expanded percentile", "none"
"""Kinds of intervals, as events name them."""

MOST_WITH_INTERVALS = 12
"""Conditions up to which the published Plackett-Luce is iterated for every resample without being asked for it."""

HALVINGS_OF_T = 100


def interval_kind(method: str, conditions: int, units: int, published_intervals: bool) -> str:
    """The kind of a leaderboard's intervals.

    Args:
        units: how many questions, rankings or clauses are resampled.
        published_intervals: whether those of the published Plackett-Luce are asked for.
    """
    if method == "plackett_luce_published" and conditions > MOST_WITH_INTERVALS and not published_intervals:
        return NO_INTERVAL
    return EXPANDED if 1 < units < EXPANDED_BELOW else PERCENTILE


def tail_of(confidence: float, units: int, plain: bool = False) -> float:
    """The share of resamples beyond each end of an interval.

    Args:
        plain: never expanded, as the first version of the stage has them.
    """
    tail = (1 - confidence) / 2
    if plain or not 1 < units < EXPANDED_BELOW:
        return tail
    wider = math.sqrt(units / (units - 1)) * student_quantile(1 - tail, units - 1)
    return math.erfc(wider / math.sqrt(2)) / 2


def student_quantile(probability: float, degrees: int) -> float:
    """Student's t with a whole number of degrees of freedom at a probability in [1/2, 1), by bisection on an angle."""
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS_OF_T):
        middle = (low + high) / 2
        if _central_share(middle, degrees) < 2 * probability - 1:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees) * math.tan(low)


def _central_share(angle: float, degrees: int) -> float:
    """P(|t| ≤ √degrees · tan angle): the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4."""
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    total, term = 0.0, cosine if odd else 1.0
    for k in range(degrees // 2):
        total += term
        term *= cosine**2 * (2 * k + 1 + odd) / (2 * k + 2 + odd)
    return (angle + sine * total) * 2 / math.pi if odd else sine * total
