"""How rows of a leaderboard are ordered: by the best order of the data under `CONSENSUS_METHODS`, else by score.

A mean position depends on the resamples: by it two conditions could stand in another order than in the consensus that
the same board names, and in another one with another seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

ORDER_RULE = 1
"""The number of this rule, as events record it."""

TIED_BELOW = 10**9
"""Costs that agree to so many parts of one share a position."""


def positions_by(cost: Iterable[float]) -> list[int]:
    """1 plus the number of strictly smaller costs: those that are equal share the better position."""
    rounded = [_rounded(own) for own in cost]
    return [1 + sum(other < own for other in rounded) for own in rounded]


def _rounded(value: float) -> float:
    return round(value * TIED_BELOW) / TIED_BELOW if math.isfinite(value) else value
