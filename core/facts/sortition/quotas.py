"""Quotas from target proportions, exactly.

For a category with target proportion p, panel size k and relative tolerance τ

    lower = ⌊p·k·(1 − τ)⌋        upper = ⌈p·k·(1 + τ)⌉

as the authors of the method round them (Flanigan et al., Nature 596, 2021): outwards, so that small
categories stay feasible. In floats ⌈0.5·100·1.1⌉ is 56, not 55.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction


def quota_bounds(target: Fraction, size: int, tolerance: Fraction, slack: bool) -> tuple[int, int]:
    """(lower, upper), kept inside 0..k (τ above 1, or p near 1, would leave it); a slack category is unbounded."""
    if slack:
        return 0, size
    wanted = target * size
    slip = wanted * tolerance
    return max(0, math.floor(wanted - slip)), min(size, math.ceil(wanted + slip))


def wanted_and_nobody(in_pool: int, lower: int, target: Decimal | float | None) -> bool:
    """Whether nobody in the pool has a category that a lower bound or a target wants."""
    return in_pool == 0 and (lower > 0 or (target or 0) > 0)
