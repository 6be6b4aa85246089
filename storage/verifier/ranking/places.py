"""Which places the conditions take in the resamples, and how often these have the order of the data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from core.facts.ranking.positions import positions_by
from storage.verifier.ranking.best_orders import BestOrders

Positions = Sequence[int]
"""The position of each condition, from 1; those that are tied share the better one."""


def places_of_scores(samples: Iterable[Sequence[float]]) -> list[list[float]]:
    """The share of the resamples in which each condition has each place; tied ones take their places evenly."""
    times = Counter(tuple(_positions(scores)) for scores in samples)
    conditions = len(next(iter(times)))
    shares = [[0.0] * conditions for _ in range(conditions)]
    for positions, often in times.items():
        tied = Counter(positions)
        for own, first in zip(shares, positions, strict=True):
            for place in range(first - 1, first - 1 + tied[first]):
                own[place] += often / tied[first] / sum(times.values())
    return shares


def _positions(scores: Sequence[float]) -> list[int]:
    return positions_by([-score for score in scores])


def same_order_by_scores(score: Sequence[float], samples: Iterable[Sequence[float]]) -> float:
    """The share of the resamples whose conditions stand in the order of the data.

    Where conditions are tied: of the orders that a resample leaves open, the share that the data leaves open too.
    """
    data = _positions(score)
    times = Counter(tuple(_positions(scores)) for scores in samples)
    return sum(often * _also_in(data, positions) for positions, often in times.items()) / sum(times.values())


def _also_in(data: Positions, positions: Positions) -> float:
    both = list(zip(positions, data, strict=True))
    if any(own < other and first > second for own, first in both for other, second in both):
        return 0.0
    return math.prod(map(math.factorial, Counter(both).values())) / math.prod(
        map(math.factorial, Counter(positions).values())
    )


def places_of_orders(best: Sequence[BestOrders]) -> list[list[float]]:
    """The mean over the resamples of the share of their best orders in which each condition has each place."""
    conditions = len(best[0].first)
    shares = [[0.0] * conditions for _ in range(conditions)]
    for found in best:
        for order in found.every:
            for place, condition in enumerate(order):
                shares[condition][place] += 1 / found.orders / len(best)
    return shares


def same_order_of_best(data: BestOrders, best: Sequence[BestOrders]) -> float:
    """The mean over the resamples of the share of their best orders that are best orders of the data."""
    wanted = set(data.every)
    return math.fsum(sum(order in wanted for order in found.every) / found.orders for found in best) / len(best)
