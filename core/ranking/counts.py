"""Rankings as arrays, and the sums of them that every aggregation method is computed from.

Two sums suffice. The *wins* w_ij (how many rankings put i before j) serve Borda, Copeland, Kemeny,
Bradley–Terry and Mallows. The *choices* n_{S,i} (how often i was put next while the set S was still to be
ranked) serve both Plackett–Luce methods. Both are linear in the rankings, so a bootstrap resample is a
weighted sum over the units that are resampled, and no method ever walks through the rankings again.

Conditions are numbered in order of their names, so that nothing depends on how a ranking lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.errors import InputError
from core.types import Ranking

MOST_CONDITIONS = 62
"""Sets of conditions are bits of a 64-bit integer."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ballots:
    """n complete rankings of m conditions.

    orders[k] (shape (n, m)) holds condition indices, best first; question[k] and clause[k] number the
    ranking's question and clause from 0 in order of appearance; asked[q] is the id of question q; weight[k] is how
    many times the ranking counts.
    """

    conditions: tuple[str, ...]
    orders: Ints
    asked: tuple[str, ...]
    question: Ints
    clause: Ints
    weight: Ints

    def __len__(self) -> int:
        return len(self.orders)

    def wins_by(self, unit: Ints, units: int) -> Floats:
        """`wins_by_unit` of these rankings with their weights."""
        return wins_by_unit(self.orders, unit, units, self.weight)


@dataclass(frozen=True)
class Choices:
    """Every choice that occurs, over U units: cell k says "chosen[k] was put next out of sets[set_of[k]]".

    sets has shape (S, m) with ones for members; set_of and chosen have shape (K,); counts is sparse with
    shape (U, K). The last choice of a ranking, out of one, is a cell too.
    """

    sets: Floats
    set_of: Ints
    chosen: Ints
    counts: Any


def encode(rankings: Sequence[Ranking]) -> Ballots:
    """The rankings as arrays.

    Raises:
        InputError: there is none, one is partial or names a condition twice, or there are too many conditions.
    """
    if not rankings:
        raise InputError("there are no rankings to aggregate; every judge call failed, or the file is empty")
    conditions = tuple(sorted(rankings[0].order))
    if not 1 <= len(conditions) <= MOST_CONDITIONS:
        raise InputError(f"rankings of {len(conditions)} conditions cannot be aggregated; 1 to {MOST_CONDITIONS} can")
    for ranking in rankings:
        check_order(ranking.order, conditions, f"question {ranking.question_id!r}, judge {ranking.judge!r}")
    index = {condition: i for i, condition in enumerate(conditions)}
    orders = np.array([[index[condition] for condition in ranking.order] for ranking in rankings], dtype=np.int64)
    questions = [(ranking.clause_id, ranking.question_id) for ranking in rankings]
    return Ballots(
        conditions=conditions,
        orders=orders,
        asked=tuple(question for _, question in dict.fromkeys(questions)),
        question=numbered(questions),
        clause=numbered([ranking.clause_id for ranking in rankings]),
        weight=np.array([ranking.weight for ranking in rankings], dtype=np.int64),
    )


def check_order(order: Sequence[str], conditions: Sequence[str], where: str) -> None:
    """Refuses a ranking that does not hold each condition exactly once.

    Raises:
        InputError: with `where`, and the conditions that are missing, unknown or named twice.
    """
    if len(set(order)) == len(order) and sorted(order) == sorted(conditions):
        return  # as nearly all: what is wrong with the others takes longer to say
    twice = sorted({condition for condition in order if order.count(condition) > 1})
    missing = sorted(set(conditions) - set(order))
    unknown = sorted(set(order) - set(conditions))
    problems = [
        f"{label} {', '.join(map(repr, found))}"
        for label, found in (("names twice:", twice), ("lacks:", missing), ("has besides:", unknown))
        if found
    ]
    if problems:
        raise InputError(
            f"{where}: the ranking does not order the same {len(conditions)} conditions as the others; it "
            f"{'; '.join(problems)}. Every ranking must be complete: leave the others out, rank them apart, or "
            "write votes between two ('a', 'b', 'winner')"
        )


def numbered(keys: Sequence[Any]) -> Ints:
    """Numbers distinct keys from 0 in order of appearance. Shape (n,)."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)


def positions_of(orders: Ints) -> Ints:
    """positions[k, i] is the place of condition i in ranking k, from 0. Shape (n, m)."""
    return np.argsort(orders, axis=1)


def wins_by_unit(orders: Ints, unit: Ints, units: int, weight: Ints | None = None) -> Floats:
    """w_ij per unit: how many of its rankings put i before j. Shape (units, m, m), zero diagonal.

    Args:
        weight: how many times each ranking counts, shape (n,); once where left out.
    """
    positions = positions_of(orders)
    times = np.ones(len(orders)) if weight is None else weight.astype(np.float64)
    m = orders.shape[1]
    found = np.zeros((units, m, m))
    for i in range(m):
        before = (positions[:, i : i + 1] < positions) * times[:, None]
        for j in range(m):
            found[:, i, j] = np.bincount(unit, weights=before[:, j], minlength=units)
    return found


def majorities_of(wins: Floats) -> Floats:
    """1 where i is before j in most of a question's rankings, a half where they are even; nothing where nobody compared
    the two. wins, result (Q, m, m)."""
    reverse = wins.swapaxes(-1, -2)
    won: Floats = (wins > reverse) + 0.5 * ((wins == reverse) & (wins > 0))
    return won


def choices_by_unit(orders: Ints, unit: Ints, units: int, weight: Ints | None = None) -> Choices:
    """n_{S,i} per unit. Every ranking of m conditions makes m choices, the last one out of one; `weight` as above."""
    n, m = orders.shape
    times = np.repeat(np.ones(n) if weight is None else weight.astype(np.float64), m)
    bits = np.int64(1) << orders
    # Remaining set before place t: the items at places t, t+1, …, m−1.
    remaining = np.cumsum(bits[:, ::-1], axis=1)[:, ::-1]
    masks, set_index = np.unique(remaining.ravel(), return_inverse=True)
    cells, cell = np.unique(set_index.ravel() * m + orders.ravel(), return_inverse=True)
    members = (masks[:, None] >> np.arange(m)) & 1
    counts = csr_array((times, (np.repeat(unit, m), cell.ravel())), shape=(units, len(cells)))
    return Choices(sets=members.astype(np.float64), set_of=cells // m, chosen=cells % m, counts=counts)


def strongly_connected(wins: Floats) -> NDArray[np.bool_]:
    """Whether the graph with an edge i → j where w_ij > 0 is strongly connected. wins (…, m, m), result (…).

    This is the condition under which the Bradley–Terry and Plackett–Luce estimates exist
    (Ford 1957; Hunter 2004, Assumption 1): no group of conditions is always ranked above the rest.
    """
    m = wins.shape[-1]
    reach = (wins > 0) | np.eye(m, dtype=bool)
    for _ in range(max(m - 1, 1).bit_length()):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return np.asarray(reach.all(axis=(-1, -2)))
