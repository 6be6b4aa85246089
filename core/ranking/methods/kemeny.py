"""Kemeny: the order that agrees with the most pairwise votes,

    maximise  Σ_{i before j} w_ij   over orders of the m conditions.

Up to 7 conditions all orders are tried, for a whole batch of win matrices at once. Beyond, the
conditions are first split into blocks of which each strictly beats every later one by majority: every optimal
order keeps them in that sequence (Truchon 1998, the extended Condorcet criterion). Each block is then solved by
trying all orders (to 7), by dynamic programming over subsets (to 12), or as an integer programme (`linear_ordering`).
In a resample, blocks of more than 40 are not: an order is improved there while moving one condition gains votes.

Votes must be integers or halves, so that sums are exact and a tie is a tie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from core.facts.ranking.methods import LARGEST_DYNAMIC
from core.ranking.counts import Floats, Ints
from core.ranking.methods.linear_ordering import another_as_good, best_ordering, improved, votes_for

LARGEST_BRUTE_FORCE = 7
LARGEST_SOLVED_AGAIN = 40
"""Conditions in a block up to which the integer programme is solved for every resample."""


@dataclass(frozen=True)
class Consensus:
    """The optimal orders of one win matrix.

    order is an optimal order (the first one in condition order; for integer programmes, the one found);
    places[i, p] is the share of the optimal orders in which i has place p, from 0, shape (m, m); orders is their
    number, exact where `counted`, otherwise a lower bound; agreement is Σ_{i before j} w_ij; gap is how many more votes
    another order may have, at most, and 0 where the order is proven optimal.
    """

    order: tuple[int, ...]
    places: Floats
    orders: int
    counted: bool
    agreement: float
    gap: float = 0.0

    @property
    def position(self) -> Floats:
        """The mean place of each condition, from 1, over the optimal orders. Shape (m,)."""
        mean: Floats = self.places @ np.arange(1.0, 1 + len(self.places))
        return mean


@dataclass(frozen=True)
class OptimalOrders:
    """The same of B win matrices: order (B, m), places (B, m, m), orders (B,), agreement (B,), and whether they are
    proven optimal, (B,).

    In blocks of more than 12 conditions one optimal order stands for all, in blocks of more than 40 one that moving a
    single condition does not improve.
    """

    order: Ints
    places: Floats
    orders: Floats
    agreement: Floats
    proven: NDArray[np.bool_]

    @property
    def position(self) -> Floats:
        """The mean place of each condition, from 1, over its matrix's optimal orders. Shape (B, m)."""
        mean: Floats = self.places @ np.arange(1.0, 1 + self.places.shape[-1])
        return mean


@dataclass(frozen=True)
class _Orders:
    """All orders of m items: the orders (m!, m), their places from 0 (m!, m), and before (m², m!)."""

    orders: Ints
    places: Ints
    before: Floats


@lru_cache(maxsize=LARGEST_BRUTE_FORCE + 1)
def _all_orders(m: int) -> _Orders:
    orders = np.array(list(permutations(range(m))), dtype=np.int64)
    places = np.argsort(orders, axis=1)
    before = (places[:, :, None] < places[:, None, :]).reshape(len(orders), m * m)
    return _Orders(orders, places, before.T.astype(np.float64))


def kemeny(wins: Floats, resample: bool = False) -> Consensus:
    """The Kemeny consensus of one win matrix, shape (m, m).

    Of a `resample`, large blocks are not searched for a second order, and the largest ones not for the best.
    """
    m = wins.shape[-1]
    if m <= LARGEST_BRUTE_FORCE:
        return brute_force(wins)
    parts: list[int] = []
    places = np.zeros((m, m))
    orders, counted, gap = 1, True, 0.0
    for block in condorcet_blocks(wins):
        inner = _solve_block(wins[np.ix_(block, block)], resample)
        places[block, len(parts) : len(parts) + len(block)] = inner.places
        parts.extend(int(block[i]) for i in inner.order)
        orders, counted, gap = orders * inner.orders, counted and inner.counted, gap + inner.gap
    order = tuple(parts)
    return Consensus(order, places, orders, counted, votes_for(wins, order), gap)


def kemeny_batch(wins: Floats, progress: Callable[[int, int], None] | None = None) -> OptimalOrders:
    """Kemeny orders of every win matrix of a batch. wins (B, m, m)."""
    if wins.shape[-1] <= LARGEST_BRUTE_FORCE:
        return _brute_force_batch(wins)
    found, cyclic = _by_majorities(wins)
    for done, b in enumerate(cyclic, start=len(wins) - len(cyclic) + 1):
        consensus = kemeny(wins[b], resample=True)
        found.order[b], found.places[b] = consensus.order, consensus.places
        found.orders[b], found.agreement[b] = consensus.orders, consensus.agreement
        found.proven[b] = consensus.gap == 0
        if progress is not None:
            progress(done, len(wins))
    return found


def _by_majorities(wins: Floats) -> tuple[OptimalOrders, Ints]:
    """The orders in which every majority agrees, and which matrices have none: these have a cycle or a tie."""
    batch, m = wins.shape[:2]
    won = (wins > wins.swapaxes(1, 2)).sum(axis=2)
    clear = (np.sort(won, axis=1) == np.arange(m)).all(axis=1)
    order = np.argsort(-won, axis=1, kind="stable")
    places = np.zeros((batch, m, m))
    np.put_along_axis(places, order[:, None, :], 1.0, axis=1)
    agreement: Floats = np.maximum(wins, wins.swapaxes(1, 2)).sum(axis=(1, 2)) / 2
    found = OptimalOrders(order, places, np.ones(batch), agreement, np.ones(batch, dtype=bool))
    return found, np.flatnonzero(~clear)


def same_orders(wins: Floats, consensus: Consensus, resampled: Floats, found: OptimalOrders) -> Floats:
    """Of the optimal orders of each resample, the share that is optimal for the data too.

    An order that attains both optima attains the optimum of the sum of both win matrices, and no other order does where
    that is the sum of the optima.

    Args:
        wins, consensus: the data's, (m, m).
        resampled, found: the resamples', (B, m, m).

    Returns:
        Shares of shape (B,), 1 or 0 where a resample has one order.
    """
    arranged = wins[found.order[:, :, None], found.order[:, None, :]]
    same = (np.triu(arranged, 1).sum(axis=(1, 2)) == consensus.agreement).astype(np.float64)
    several = np.flatnonzero(found.orders > 1)
    both = kemeny_batch(wins + resampled[several])
    attained = both.agreement == consensus.agreement + found.agreement[several]
    same[several] = np.where(attained, both.orders / found.orders[several], 0.0)
    return same


def condorcet_blocks(wins: Floats) -> list[Ints]:
    """Splits conditions into the smallest blocks that each strictly beat all later ones. wins (m, m).

    With s_i = majorities won plus half the ties, the k best conditions beat all others exactly if
    their scores sum to k(k − 1)/2 + k(m − k). Members of a block are in index order.
    """
    m = len(wins)
    score = (wins > wins.T).sum(axis=1) + 0.5 * ((wins == wins.T).sum(axis=1) - 1)
    order = np.argsort(-score, kind="stable")
    k = np.arange(1, m + 1)
    ends = np.flatnonzero(np.cumsum(score[order]) == k * (k - 1) / 2 + k * (m - k)) + 1
    return [np.sort(block) for block in np.split(order, ends[:-1])]


def _solve_block(wins: Floats, resample: bool) -> Consensus:
    if len(wins) <= LARGEST_BRUTE_FORCE:
        return brute_force(wins)
    if len(wins) <= LARGEST_DYNAMIC:
        return dynamic_programme(wins)
    if resample and len(wins) > LARGEST_SOLVED_AGAIN:
        return _improved(wins)
    return integer_programme(wins, not resample)


def _improved(wins: Floats) -> Consensus:
    """An order that moving one condition does not improve, from the order of the votes won."""
    start = tuple(int(i) for i in np.argsort(-wins.sum(axis=1), kind="stable"))
    order = improved(wins, start)
    agreement = votes_for(wins, order)
    return Consensus(order, _places(order), 1, False, agreement, _most_votes(wins) - agreement)


def _most_votes(wins: Floats) -> float:
    """The votes of all majorities, which no order has more of."""
    return float(np.maximum(wins, wins.T).sum() / 2)


def _places(order: tuple[int, ...]) -> Floats:
    """Of one order: 1 where i has place p. Shape (m, m)."""
    places = np.zeros((len(order), len(order)))
    places[list(order), np.arange(len(order))] = 1.0
    return places


def brute_force(wins: Floats) -> Consensus:
    """Tries all m! orders of one win matrix."""
    m = len(wins)
    all_orders = _all_orders(m)
    agreement = wins.reshape(m * m) @ all_orders.before
    best = np.flatnonzero(agreement == agreement.max())
    return Consensus(
        order=tuple(int(i) for i in all_orders.orders[best[0]]),
        places=_shares(all_orders.places[best], np.zeros(len(best), dtype=np.int64), 1)[0],
        orders=len(best),
        counted=True,
        agreement=float(agreement[best[0]]),
    )


def _brute_force_batch(wins: Floats, at_once: int = 128) -> OptimalOrders:
    batch, m = wins.shape[:2]
    all_orders = _all_orders(m)
    found = _empty(batch, m)
    for start in range(0, batch, at_once):
        rows = slice(start, start + at_once)
        agreement = wins[rows].reshape(-1, m * m) @ all_orders.before
        found.agreement[rows] = agreement.max(axis=1)
        best = agreement == found.agreement[rows, None]
        row, which = np.nonzero(best)
        found.order[rows] = all_orders.orders[best.argmax(axis=1)]
        found.orders[rows] = np.bincount(row, minlength=len(best))
        found.places[rows] = _shares(all_orders.places[which], row, len(best))
    return found


def _empty(batch: int, m: int) -> OptimalOrders:
    order, places, proven = np.empty((batch, m), np.int64), np.empty((batch, m, m)), np.ones(batch, dtype=bool)
    return OptimalOrders(order, places, np.empty(batch), np.empty(batch), proven)


def _shares(places: Ints, group: Ints, groups: int) -> Floats:
    """The share of a group's orders in which each condition has each place; no group is empty.

    places (n, m), from 0; group (n,); result (groups, m, m).
    """
    m = places.shape[1]
    cells = (group[:, None] * m + np.arange(m)) * m + places
    counts = np.bincount(cells.ravel(), minlength=groups * m * m).reshape(groups, m, m)
    shares: Floats = counts / np.bincount(group, minlength=groups)[:, None, None]
    return shares


def dynamic_programme(wins: Floats) -> Consensus:
    """Dynamic programming over the set S of conditions that are already placed.

    after[S] = max_{i ∉ S} Σ_{j ∈ S} w_ji + after[S ∪ i] is the agreement that placing the rest can still add;
    before[S] is the same for placing S first. An order is optimal exactly if each of its steps attains the
    optimum, so counting the paths to and from every S counts the orders and averages the places.
    Time and memory are O(2^m · m) and O(2^m · m).
    """
    m = len(wins)
    full = (1 << m) - 1
    gain = _gain_by_set(wins)
    layers = _layers(m)
    before, ways_before = np.full(full + 1, -np.inf), np.zeros(full + 1)
    before[0], ways_before[0] = 0.0, 1.0
    after, ways_after = before[::-1].copy(), ways_before[::-1].copy()
    for k in range(m):
        for i in range(m):
            sets = layers[k][(layers[k] >> i) & 1 == 0]
            _improve(before, ways_before, sets | (1 << i), before[sets] + gain[i, sets], ways_before[sets])
    for k in reversed(range(m)):
        for i in range(m):
            sets = layers[k][(layers[k] >> i) & 1 == 0]
            grown = sets | (1 << i)
            _improve(after, ways_after, sets, after[grown] + gain[i, sets], ways_after[grown])
    paths = np.zeros((m, m))
    for k in range(m):
        for i in range(m):
            sets = layers[k][(layers[k] >> i) & 1 == 0]
            grown = sets | (1 << i)
            optimal = before[sets] + gain[i, sets] + after[grown] == after[0]
            paths[i, k] = (optimal * ways_before[sets] * ways_after[grown]).sum()
    orders = ways_after[0]
    return Consensus(_first_order(gain, after), paths / orders, int(orders), True, float(after[0]))


def _gain_by_set(wins: Floats) -> Floats:
    """gain[i, S] = Σ_{j ∈ S} w_ji, the agreement from placing i right after S. Shape (m, 2^m)."""
    m = len(wins)
    gain = np.zeros((m, 1))
    for j in range(m):
        gain = np.concatenate([gain, gain + wins[j][:, None]], axis=1)
    return gain


@lru_cache(maxsize=4)
def _layers(m: int) -> tuple[Ints, ...]:
    """Sets as bit masks, by size."""
    masks = np.arange(1 << m, dtype=np.int64)
    size = ((masks[:, None] >> np.arange(m)) & 1).sum(axis=1)
    return tuple(masks[size == k] for k in range(m + 1))


def _improve(best: Floats, ways: Floats, where: Ints, value: Floats, paths: Floats) -> None:
    """Raises best[where] to value where that is more, and adds the paths that attain the best."""
    better, equal = value > best[where], value == best[where]
    ways[where] = np.where(better, paths, ways[where] + equal * paths)
    best[where] = np.maximum(best[where], value)


def _first_order(gain: Floats, after: Floats) -> tuple[int, ...]:
    order: list[int] = []
    placed = 0
    m = len(gain)
    while len(order) < m:
        open_items = [i for i in range(m) if not placed >> i & 1]
        i = next(i for i in open_items if gain[i, placed] + after[placed | 1 << i] == after[placed])
        order.append(i)
        placed |= 1 << i
    return tuple(order)


def integer_programme(wins: Floats, prove_ties: bool = True) -> Consensus:
    """The best order of one block, and with `prove_ties` whether it is the only one; orders beyond are not counted."""
    found = best_ordering(wins)
    another = another_as_good(wins, found) if prove_ties and not found.gap else None
    orders = 2 if another else 1
    return Consensus(found.order, _places(found.order), orders, another is False, found.agreement, found.gap)
