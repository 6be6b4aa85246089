"""Luce's choice model: i is chosen out of the set S with probability e^{θ_i} / Σ_{j ∈ S} e^{θ_j}.

Bradley–Terry is the case of pairs; Plackett–Luce that of what a ranking has still to place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, permutations
from operator import mul

from storage.verifier.ranking.resamples import Matrix, TooMuch

SHORT_STEP = 1e-9
"""After a Newton step that is no longer than this, the next one is at rounding level."""

MOST_NEWTON_STEPS = 200

HALF_WIN = 0.5
"""Added each way to every pair where the likelihood has no maximum."""

Seen = Mapping[tuple[int, ...], float]
"""How often each set of conditions was chosen from."""


def separable(wins: Matrix) -> bool:
    """Whether some conditions are always ranked above the others, so that no finite estimate exists (Ford 1957).

    That is where not every condition is reached from the first along pairs that it won, and back along those lost.
    """
    lost = list(zip(*wins, strict=True))
    return not (_all_reached(wins) and _all_reached(lost))


def _all_reached(wins: Sequence[Sequence[float]]) -> bool:
    reached, waiting = {0}, [0]
    while waiting:
        own = wins[waiting.pop()]
        found = [j for j, votes in enumerate(own) if votes > 0 and j not in reached]
        reached.update(found)
        waiting += found
    return len(reached) == len(wins)


def bradley_terry_of(wins: Matrix) -> list[float]:
    """Log-abilities of the votes, sum zero: each is a choice out of two."""
    pairs = permutations(range(len(wins)), 2)
    return plackett_luce_of(wins, {(1 << i | 1 << j, i): wins[i][j] for i, j in pairs})


def plackett_luce_of(wins: Matrix, choices: Mapping[tuple[int, int], float]) -> list[float]:
    """Log-abilities of the rankings, sum zero."""
    added = HALF_WIN if separable(wins) else 0.0
    conditions = range(len(wins))
    chosen = [added * (len(wins) - 1)] * len(wins)
    seen: dict[tuple[int, ...], float] = dict.fromkeys(combinations(conditions, 2), 2 * added)
    for (bits, i), times in choices.items():
        members = tuple(j for j in conditions if bits >> j & 1)
        seen[members] = seen.get(members, 0.0) + times
        chosen[i] += times
    return fitted(seen, chosen)


def fitted(seen: Seen, chosen: Sequence[float]) -> list[float]:
    """The θ with Σθ = 0 at which Σ_i chosen_i θ_i − Σ_S seen_S log Σ_{j ∈ S} e^{θ_j} is largest, by Newton's method.

    A step whose entries differ by r is scaled by log(1 + r)/r, with which the likelihood rises from everywhere:
    third derivatives of log Σ e^θ along a step are at most r times the second ones (Sun and Tran-Dinh 2019).

    Raises:
        TooMuch: no convergence.
    """
    theta = [0.0] * len(chosen)
    for _ in range(MOST_NEWTON_STEPS):
        step = _newton_step(theta, seen, chosen)
        length = max(step) - min(step)
        scale = math.log1p(length) / length if length else 1.0
        theta = [value + scale * change for value, change in zip(theta, step, strict=True)]
        if length <= SHORT_STEP:
            mean = math.fsum(theta) / len(theta)
            return [value - mean for value in theta]
    raise TooMuch(f"an estimate did not settle in {MOST_NEWTON_STEPS} steps")


def _newton_step(theta: Sequence[float], seen: Seen, chosen: Sequence[float]) -> list[float]:
    """The last θ stays where it is, because only differences matter."""
    ability = [math.exp(value) for value in theta]
    slope = list(chosen)
    curved = [[0.0] * len(theta) for _ in theta]
    for members, times in seen.items():
        total = sum(ability[i] for i in members)
        for i in members:
            share = ability[i] / total
            slope[i] -= times * share
            curved[i][i] += times * share
            for j in members:
                curved[i][j] -= times * share * ability[j] / total
    rows = [[*row[:-1], wanted] for row, wanted in zip(curved[:-1], slope[:-1], strict=True)]
    return [*solved(rows), 0.0]


def solved(rows: list[list[float]]) -> list[float]:
    """The solution of linear equations, each a row of coefficients and the right side; no pivots, as for a minimum.

    The matrix is positive definite, so elimination meets no zero.
    """
    unknowns = range(len(rows))
    for k in unknowns:
        for i in unknowns:
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [own - factor * other for own, other in zip(rows[i], rows[k], strict=True)]
    return [rows[k][-1] / rows[k][k] for k in unknowns]


# ------------------------------------------------------------ the published iteration

SETTLED_BELOW = 1e-10
STEPS_PER_ROUND = 25
MOST_ROUNDS = 80
VANISHED_BELOW = 1e-9
"""A weight below this share of the largest that still shrinks is taken for one that goes to 0."""
LOWEST_WEIGHT = math.exp(-60.0)


class Published:
    """The published scripts' Plackett–Luce: w_i ← c_i / Σ_{choices of i} 1 / Σ_{j ∈ S} w_j, 25 steps a round.

    It stops where no weight changes any more; -∞ stands for one that goes to 0 beside the others. `left` is how many
    products of a set and a condition may still be taken.
    """

    def __init__(self, most_products: int) -> None:
        self.left = most_products

    def scores(self, choices: Mapping[tuple[int, int], int], conditions: int) -> tuple[list[float], bool]:
        """The logarithms of the weights, the finite ones with sum zero, and whether they settled in 2,000 steps.

        Raises:
            TooMuch: it takes too many steps.
        """
        sets = range(1, 1 << conditions)
        counts = [[choices.get((bits, i), 0) for bits in sets] for i in range(conditions)]
        weights, gone, settled = [1.0] * conditions, [False] * conditions, False
        for _ in range(MOST_ROUNDS):
            self.left -= STEPS_PER_ROUND * len(sets) * conditions
            if self.left < 0:
                raise TooMuch("the published iteration takes too many steps here")
            weights, changes = _round_of_steps(weights, counts)
            pairs = list(zip(weights, changes, strict=True))
            gone = [weight < VANISHED_BELOW and change <= SETTLED_BELOW for weight, change in pairs]
            settled = all(lost or abs(change) <= SETTLED_BELOW for lost, change in zip(gone, changes, strict=True))
            if settled:
                break
        logs = [-math.inf if lost else math.log(weight) for weight, lost in zip(weights, gone, strict=True)]
        finite = [value for value in logs if value > -math.inf]
        return [value - math.fsum(finite) / len(finite) for value in logs], settled


def _round_of_steps(weights: list[float], counts: Sequence[Sequence[int]]) -> tuple[list[float], list[float]]:
    """Weights after some steps, the largest 1, and by how much the last step changed their logarithms.

    counts[i] says how often i was chosen out of each set; sets are numbered by the bits of their members.
    """
    times = [sum(row) for row in counts]
    before = weights
    for _ in range(STEPS_PER_ROUND):
        before = weights
        sums = [0.0]
        for weight in weights:
            sums += [weight + other for other in sums]
        inverse = [1.0 / total for total in sums[1:]]
        grown = [c / sum(map(mul, row, inverse)) for c, row in zip(times, counts, strict=True)]
        largest = max(grown)
        weights = [max(weight / largest, LOWEST_WEIGHT) for weight in grown]
    return weights, [math.log(now / then) for now, then in zip(weights, before, strict=True)]
