"""The orders that agree with most pairwise votes (Kemeny), found by trying all, and Mallows' dispersion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from storage.verifier.ranking.resamples import Matrix, Votes, side_by_side, taken_apart

HALVINGS = 80
"""Steps of the bisection for φ; each gives one bit."""


@dataclass(frozen=True)
class BestOrders:
    """The best orders, the mean place of each condition over them, and their votes."""

    every: Sequence[tuple[int, ...]]
    places: list[float]
    agreement: int

    @property
    def first(self) -> tuple[int, ...]:
        """The first of them, by the numbers of the conditions."""
        return self.every[0]

    @property
    def orders(self) -> int:
        """How many there are."""
        return len(self.every)


def best_orders(wins: Votes) -> BestOrders:
    """All orders of the conditions are tried: the votes that agree with an order are Σ_{i before j} w_ij.

    The sums of all orders stand side by side in one integer, so that each pair of conditions is added to them at once.
    """
    conditions = len(wins)
    orders, before = _all_orders(conditions)
    pairs = permutations(range(conditions), 2)
    votes = taken_apart(sum(wins[i][j] * before[i, j] for i, j in pairs), len(orders))
    most = max(votes)
    best = [order for order, agreeing in zip(orders, votes, strict=True) if agreeing == most]
    places = [sum(1 + order.index(i) for order in best) / len(best) for i in range(conditions)]
    return BestOrders(best, places, most)


@cache
def _all_orders(conditions: int) -> tuple[list[tuple[int, ...]], dict[tuple[int, int], int]]:
    """All orders, and for each pair a counter of 1 for every order that has i before j."""
    orders = list(permutations(range(conditions)))
    before = {
        (i, j): side_by_side((k, 1) for k, order in enumerate(orders) if order.index(i) < order.index(j))
        for i, j in permutations(range(conditions), 2)
    }
    return orders, before


def distance_to(wins: Matrix, order: Sequence[int]) -> float:
    """Σ of the Kendall distances of rankings to an order: their votes against it."""
    return sum(wins[j][i] for place, i in enumerate(order) for j in order[place + 1 :])


def dispersion_at(mean_distance: float, conditions: int) -> float:
    """φ ≥ 0 with E_φ[d] = the mean distance, by bisection; ∞ for distance 0.

    E_φ[d] falls from m(m − 1)/4 at φ = 0 to 0, and is at most (m − 1)/(e^φ − 1), which bounds φ.
    """
    if mean_distance == 0:
        return math.inf
    low, high = 0.0, math.log1p((conditions - 1) / mean_distance)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _expected_distance(middle, conditions) > mean_distance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _expected_distance(phi: float, conditions: int) -> float:
    """E_φ[d] = Σ_j (Σ_{k<j} k·e^{−kφ}) / (Σ_{k<j} e^{−kφ}), j = 1…m (Fligner and Verducci 1986)."""
    above = below = expected = 0.0
    for k in range(conditions):
        power = math.exp(-k * phi)
        above, below = above + k * power, below + power
        expected += above / below
    return expected


def log_likelihood_at(phi: float, distance: float, rankings: int, conditions: int) -> float:
    """Σ log P of rankings with that sum of distances, in nats: −φ·d − n·Σ_j log Σ_{k<j} e^{−kφ}."""
    if math.isinf(phi):
        return 0.0 if distance == 0 else -math.inf
    log_z = below = 0.0
    for k in range(conditions):
        below += math.exp(-k * phi)
        log_z += math.log(below)
    return -phi * distance - rankings * log_z
