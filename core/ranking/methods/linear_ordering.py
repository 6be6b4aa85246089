"""The linear ordering problem, for what is too large to try or to count: an order with the most votes for it.

    maximise   Σ_{i<j} (w_ij − w_ji) x_ij
    subject to 0 ≤ x_ij + x_jk − x_ik ≤ 1   for i < j < k    (no cycles)
               x_ij ∈ {0, 1}                                (1: i before j)

Of the conditions against cycles, C(m, 3) pairs of them, few bind: they are added as solutions break them (Grötschel,
Jünger and Reinelt 1984), first to the linear relaxation, then, where its solution has fractions, to the integer
programme. HiGHS (through scipy) solves both. Whatever is left out raises the optimum, so that each of them bounds the
votes of every order; what bounds the work is a number of nodes and of rounds, never time, so that it ends the same way
on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from core.ranking.counts import Floats, Ints

MOST_ROUNDS = 100
MOST_NODES = 2_000
"""Nodes of the integer programme, a round."""

ADDED_AT_ONCE = 2_000
BROKEN_BY = 1e-6
"""How far a condition may be broken, and a solution from whole numbers: the solver's own tolerance."""

SMALLEST_GAP = 0.499
"""Votes are integers or halves, so that a bound nearer to an order's votes than a half proves it the best."""


@dataclass(frozen=True)
class Ordering:
    """An order, its votes Σ_{i before j} w_ij, and by how many votes another may be better: 0 where it is the best."""

    order: tuple[int, ...]
    agreement: float
    gap: float


def best_ordering(wins: Floats) -> Ordering:
    """An order with the most votes, or where the work ends before, the best one found. Votes are integers or halves.

    Args:
        wins: shape (m, m), m ≥ 3.
    """
    programme = _Programme(wins)
    before, proven, bound = programme.solve()
    order = tuple(int(i) for i in np.argsort(-before.sum(axis=1), kind="stable"))
    if not proven:
        order = improved(wins, order)
    agreement = votes_for(wins, order)
    unproven = not proven and bound - agreement > SMALLEST_GAP
    return Ordering(order, agreement, bound - agreement if unproven else 0.0)


def another_as_good(wins: Floats, best: Ordering) -> bool | None:
    """Whether a second order has as many votes as the best one; None where the work ends before that is known."""
    programme = _Programme(wins)
    programme.forbid(best.order)
    before, proven, bound = programme.solve()
    if proven:
        return float((wins * before).sum()) == best.agreement
    return None if best.agreement - bound < SMALLEST_GAP else False


def votes_for(wins: Floats, order: tuple[int, ...]) -> float:
    """Σ_{i before j} w_ij."""
    return float(np.triu(wins[np.ix_(order, order)], 1).sum())


@lru_cache(maxsize=2)
def _triples(m: int) -> tuple[Ints, Ints, Ints]:
    """The pairs i < j as rows and columns, (P,) each; the numbers of the pairs ij, jk, ik of each i < j < k, (T, 3)."""
    rows, columns = np.triu_indices(m, 1)
    number = np.zeros((m, m), dtype=np.int64)
    number[rows, columns] = np.arange(len(rows))
    i, j, k = np.array(list(combinations(range(m), 3)), dtype=np.int64).T
    return rows, columns, np.stack([number[i, j], number[j, k], number[i, k]], axis=1)


class _Programme:
    """The programme with the conditions that have been added so far."""

    def __init__(self, wins: Floats) -> None:
        self.conditions = len(wins)
        self.rows, self.columns, self.cells = _triples(self.conditions)
        self.lead = (wins - wins.T)[self.rows, self.columns]
        self.against = float(wins.T[self.rows, self.columns].sum())
        self.matrix = csr_array((0, len(self.rows)))
        self.lower, self.upper = np.zeros(0), np.zeros(0)

    def forbid(self, order: tuple[int, ...]) -> None:
        """At least one pair must stand otherwise: Σ over pairs that stand as in `order` ≤ P − 1."""
        place = np.argsort(order)
        agrees = place[self.rows] < place[self.columns]
        self._add(csr_array(np.where(agrees, 1.0, -1.0)[None, :]), -np.inf, agrees.sum() - 1.0)

    def solve(self) -> tuple[NDArray[np.bool_], bool, float]:
        """An order as before[i, j], (m, m), whether it is a best one, and a bound on the votes of all that are allowed.

        What is no best one may have cycles.
        """
        x, bound = (self.lead > 0).astype(np.float64), np.inf
        self._add_broken(x)
        for whole in (False, True):
            for _ in range(MOST_ROUNDS):
                solution = milp(
                    -self.lead,
                    integrality=np.full(len(self.lead), int(whole)),
                    bounds=Bounds(0, 1),
                    constraints=LinearConstraint(self.matrix, self.lower, self.upper),
                    options={"mip_rel_gap": 0.0, "node_limit": MOST_NODES},
                )
                value = solution.fun if not whole else solution.mip_dual_bound
                bound = bound if value is None else min(bound, self.against - float(value))
                if solution.x is None or solution.status != 0:
                    return self._before(x), False, bound
                x = np.asarray(solution.x, dtype=np.float64)
                if self._add_broken(x):
                    continue
                if np.abs(x - np.round(x)).max() <= BROKEN_BY:
                    return self._before(x), True, bound
                break
        return self._before(x), False, bound

    def _add_broken(self, x: Floats) -> bool:
        """Adds the conditions that a solution breaks most; whether it breaks any."""
        sums = x[self.cells] @ np.array([1.0, 1.0, -1.0])
        beyond = np.maximum(sums - 1, -sums)
        (broken,) = np.nonzero(beyond > BROKEN_BY)
        broken = broken[np.argsort(-beyond[broken], kind="stable")[:ADDED_AT_ONCE]]
        if not len(broken):
            return False
        where = np.repeat(np.arange(len(broken)), 3), self.cells[broken].ravel()
        signs = np.tile([1.0, 1.0, -1.0], len(broken))
        self._add(csr_array((signs, where), shape=(len(broken), len(self.rows))), 0.0, 1.0)
        return True

    def _add(self, matrix: csr_array, lower: float, upper: float) -> None:
        self.matrix = csr_array(vstack([self.matrix, matrix]))
        self.lower = np.append(self.lower, np.full(matrix.shape[0], lower))
        self.upper = np.append(self.upper, np.full(matrix.shape[0], upper))

    def _before(self, x: Floats) -> NDArray[np.bool_]:
        before = np.zeros((self.conditions, self.conditions), dtype=bool)
        before[self.rows, self.columns] = x > 0.5
        before[self.columns, self.rows] = x <= 0.5
        return before


def improved(wins: Floats, order: tuple[int, ...]) -> tuple[int, ...]:
    """The order with single conditions moved to where they gain the most votes, until no move gains any."""
    now = np.array(order)
    m = len(now)
    place = np.arange(m)
    while True:
        lead = (wins - wins.T)[np.ix_(now, now)]
        sums = np.concatenate([np.zeros((m, 1)), np.cumsum(lead, axis=1)], axis=1)
        # Moved from a before b ≤ a it passes a − 1 … b, moved behind b > a it passes a + 1 … b.
        forwards = sums[place, place][:, None] - sums[:, :m]
        backwards = sums[place, place + 1][:, None] - sums[:, 1:]
        gain = np.where(place[None, :] < place[:, None], forwards, backwards)
        start, end = divmod(int(gain.argmax()), m)
        if gain[start, end] <= 0:
            return tuple(int(i) for i in now)
        moved = np.delete(now, start)
        now = np.insert(moved, end, now[start])
