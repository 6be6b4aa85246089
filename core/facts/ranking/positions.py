"""By which rule the rows of a leaderboard are ordered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from core.facts.ranking.methods import CONSENSUS_METHODS

BY_SCORE, BY_CONSENSUS = 1, 2
"""Rule 1 ordered every board by its score, rule 2 orders those of `CONSENSUS_METHODS` by the best order of the data.

A mean position depends on the resamples, so rule 1 could put two conditions in another order than the consensus that
the same board names, and in another one with another seed."""


TIED_BELOW = 10**9
"""Costs that agree to so many parts of one share a position."""


def newest_rule(method: str) -> int:
    """The rule that this version orders a method's board by."""
    return BY_CONSENSUS if method in CONSENSUS_METHODS else BY_SCORE


def places_in_consensus(detail: Mapping[str, float], conditions: Sequence[str]) -> list[float] | None:
    """The mean place of each condition over the best orders, as a board's details name it; None where they don't."""
    named = [f"consensus:{condition}" for condition in conditions]
    return [float(detail[name]) for name in named] if all(name in detail for name in named) else None


def positions_by(cost: Iterable[float]) -> list[int]:
    """1 plus the number of strictly smaller costs: those that are equal share the better position."""
    rounded = [_rounded(own) for own in cost]
    return [1 + sum(other < own for other in rounded) for own in rounded]


def _rounded(value: float) -> float:
    return round(value * TIED_BELOW) / TIED_BELOW if math.isfinite(value) else value
