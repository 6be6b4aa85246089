"""Why no lottery does better: duals of a stage of LEXIMIN turned into integers that prove its level exactly.

Let F be the types fixed so far at π̄_t (exact fractions). Integers w_t ≥ 0 and B with

    Σ_t w_t·x_t ≤ B   for every panel x within the quotas

give, by expectation, Σ_t n_t·w_t·π_t ≤ B for every lottery. If it keeps π_t ≥ π̄_t on F, the smallest free
π is therefore at most

    z = (B − Σ_{t ∈ F} n_t·w_t·π̄_t) / Σ_{t ∉ F} n_t·w_t

and where that is reached, every free type with w_t > 0 sits at z exactly. Two sources of w and B:

- "quotas": an integer price s of a seat and μ_q of every quota. The price of a rater of type t is
  g_t = s + Σ_{q ∋ t} μ_q; with w_t = g_t⁺ weak duality gives
  B = k·s + Σ_q (upper_q·μ_q⁺ − lower_q·μ_q⁻) + Σ_t n_t·g_t⁻. Anyone can add that up.
- "panels": values w_t of the types, and B from an integer programme. Only a solver confirms B.

Where no integers reproduce the solver's level, it is recorded with a gap: |z − level| ≤ gap. Where floats do
not decide the level, which happens when prices of F are hundreds of times those of free types and rounding
grows with them, the gap is above `DECIDED` and says so. `proof` checks all of this from the record;
`solver_facts` solves for the bounds again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.facts.sortition.proof import DECIDED, SolverFact
from core.sortition.leximin.rational import LARGEST_SMALL, null_vector, scaled_integers, small_integers
from core.sortition.quotas.problem import PanelProblem

if TYPE_CHECKING:
    from core.sortition.panels import Best, BestComposition

AGREES = 1e-9
"""Largest difference between a level in fractions and the solver's z at which the fractions are its level."""

CERTAIN = 1e-7
"""A type is fixed where the stage's gap leaves its π at most this uncertain: gap / share of the type."""

POSITIVE_SHARE = 1e-7
"""Share n_t·w_t / Σ n·w above which a type counts as positive where a proof has a gap."""

LONGEST = 10_000
"""Bits of a denominator from which on a level is given as the nearest float, with a gap, instead of in full."""

FINE = 2**80
"""Denominator of a gap, which is rounded up to it."""

JUST_UNDECIDED = DECIDED + Fraction(1, FINE)
"""Smallest gap of an undecided level."""

NO_PRICE = 1e-7
"""A dual counts as zero below this share of the largest one."""


@dataclass(frozen=True)
class Level:
    """One stage of LEXIMIN: the types fixed, the exact level, and its proof as the module's text describes it.

    prices[q] is μ_q of row q of the problem; values holds (t, w_t) where w_t > 0. binding says by how much
    the level rises per member that a quota gives way, by 'attribute: category (lower|upper)'.
    """

    exact: Fraction
    types: tuple[int, ...]
    proof: Literal["quotas", "panels", "certain"]
    gap: Fraction = Fraction(0)
    seat: int | None = None
    prices: tuple[int, ...] = ()
    values: tuple[tuple[int, int], ...] = ()
    bound: int | None = None
    binding: dict[str, float] = field(default_factory=dict)

    @property
    def probability(self) -> float:
        """The level as the nearest float."""
        return float(self.exact)


def proof_fields(level: Level, problem: PanelProblem) -> dict[str, Any]:
    """The proof's fields of a `lottery.level` event."""
    fields: dict[str, Any] = {"exact": str(level.exact), "proof": level.proof, "gap": str(level.gap)}
    if level.proof == "quotas":
        named = zip(problem.rows, level.prices, strict=True)
        fields |= {"seat": str(level.seat), "prices": {row.name: str(price) for row, price in named if price}}
    if level.proof == "panels":
        fields |= {"values": [(t, str(value)) for t, value in level.values], "bound": str(level.bound)}
    return fields


def level_values(level: Level) -> dict[str, Any]:
    """A level proved by panels (or certain) as JSON values, for a checkpoint."""
    return {
        "exact": str(level.exact),
        "types": list(level.types),
        "proof": level.proof,
        "gap": str(level.gap),
        "values": [[t, str(value)] for t, value in level.values],
        "bound": None if level.bound is None else str(level.bound),
    }


def level_from(values: Mapping[str, Any]) -> Level:
    """The inverse of `level_values`."""
    return Level(
        exact=Fraction(values["exact"]),
        types=tuple(values["types"]),
        proof=values["proof"],
        gap=Fraction(values["gap"]),
        values=tuple((t, int(value)) for t, value in values["values"]),
        bound=None if values["bound"] is None else int(values["bound"]),
    )


class LeximinStage:
    """What is fixed so far, and the arithmetic of the next level."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        self.levels: list[Level] = []
        self.free = np.ones(problem.types, dtype=bool)
        self.membership = np.ascontiguousarray(np.vstack([np.ones(problem.types), problem.member]).T)
        """[1, membership in every quota] of every type, shape (T, 1 + R)."""
        self._sizes = np.array(problem.type_sizes, dtype=object)

    @property
    def fixed(self) -> int:
        """How many types are fixed."""
        return self.problem.types - self.left

    @property
    def left(self) -> int:
        """How many types are free."""
        return int(self.free.sum())

    @property
    def lowest(self) -> Fraction:
        """The level that the next one cannot fall below."""
        return self.levels[-1].exact if self.levels else Fraction(0)

    def reached_text(self) -> str:
        """How far the levels are, in words."""
        return f"{self.fixed} types fixed, level {self.levels[-1].probability:.6f}"

    def fix(self, level: Level) -> None:
        """Takes in a level."""
        self.levels.append(level)
        self.free[list(level.types)] = False

    def pi(self) -> NDArray[np.float64]:
        """π̄ of the fixed types as floats, NaN where a type is free, shape (T,)."""
        found = np.full(self.problem.types, np.nan)
        for level in self.levels:
            found[list(level.types)] = level.probability
        return found

    def certain(self) -> Level:
        """Every type that is left has probability 1."""
        return Level(Fraction(1), tuple(np.flatnonzero(self.free).tolist()), "certain")

    def reached(self, weights: NDArray[Any], bound: int) -> tuple[Fraction, int] | None:
        """z and Σ_{t ∉ F} n_t·w_t for integer weights, shape (T,); None where no free type has weight."""
        weighted = self._sizes * weights
        total = int(weighted[self.free].sum())
        if total == 0:
            return None
        owed = sum((level.exact * int(weighted[list(level.types)].sum()) for level in self.levels), Fraction(0))
        return (bound - owed) / total, total

    def is_level(self, z: Fraction, seen: float) -> bool:
        """Whether z is the level itself, which the solver has `seen` in floats."""
        return abs(float(z) - seen) <= AGREES and z >= self.lowest and z.denominator.bit_length() <= LONGEST

    def settled(
        self, weights: NDArray[Any], z: Fraction, total: int, seen: float
    ) -> tuple[Fraction, Fraction, tuple[int, ...]]:
        """Level, gap and types where z is only near the level `seen` by the solver."""
        exact, gap = self._near(z, seen)
        share = self._shares(weights, total)
        return exact, gap, tuple(np.flatnonzero(share > max(POSITIVE_SHARE, float(gap) / CERTAIN)).tolist())

    def undecided(
        self, weights: NDArray[Any], z: Fraction, total: int, seen: float, at: NDArray[np.bool_]
    ) -> tuple[Fraction, Fraction, tuple[int, ...]]:
        """The same where z is not near; it fixes the type among `at`, shape (T,), that the gap leaves open least."""
        exact, gap = self._near(z, seen)
        share = np.where(at, self._shares(weights, total), 0)
        types = (int(share.argmax()),) if share.any() else ()
        return exact, max(gap, JUST_UNDECIDED), types

    def _near(self, z: Fraction, seen: float) -> tuple[Fraction, Fraction]:
        """The level `seen` as a fraction, and its gap to z, rounded up."""
        exact = max(self.lowest, Fraction(min(1.0, seen)))
        return exact, Fraction(math.ceil(abs(z - exact) * FINE), FINE)

    def _shares(self, weights: NDArray[Any], total: int) -> NDArray[np.float64]:
        """n_t·w_t / Σ n·w of the free types, 0 for the others, shape (T,)."""
        found: NDArray[np.float64] = np.where(self.free, self._sizes * weights, 0).astype(np.float64) / total
        return found


def positive(weights: NDArray[Any], free: NDArray[np.bool_]) -> tuple[int, ...]:
    """The free types with positive weight."""
    return tuple(np.flatnonzero(free & (weights > 0)).tolist())


# ---------------------------------------------------------------- prices of quotas


def quota_level(stage: LeximinStage, seat: float, quota: NDArray[np.float64], seen: float) -> Level | None:
    """The level that the duals of size and quotas prove; None where they fix no type.

    Args:
        seat: ∂z/∂k.
        quota: ∂z/∂bound of every row, shape (R,): above 0 where its upper bound binds, below 0 its lower.
        seen: the solver's z.
    """
    if not (seat or quota.any()):
        return None
    exact = _basic_prices(stage.membership, np.append(seat, quota))
    for prices, trusted in ((exact, True), (scaled_integers([seat, *quota.tolist()]), False)):
        if prices is None:
            continue
        worth, bound = _priced(stage.problem, prices)
        weights = np.maximum(worth, 0)
        found = stage.reached(weights, bound)
        if found is None:
            continue
        level, gap, types = found[0], Fraction(0), positive(weights, stage.free)
        if trusted and not stage.is_level(level, seen):
            continue
        if not trusted:
            level, gap, types = stage.settled(weights, *found, seen)
        if types:
            binding = _binding(stage.problem, prices[1:], found[1])
            return Level(level, types, "quotas", gap, prices[0], prices[1:], binding=binding)
    return None


def _basic_prices(matrix: NDArray[np.float64], duals: NDArray[np.float64]) -> tuple[int, ...] | None:
    """Integers proportional to the duals (seat, quotas), where they are those of a basic solution.

    A type strictly between its bounds has price g_t = 0, and a quota that does not bind has price 0: as
    many equations as there are unknowns, less one for the scale.
    """
    smallest = NO_PRICE * float(np.abs(duals).max(initial=0.0))
    active = np.flatnonzero(np.abs(duals) > smallest)
    between = np.abs(matrix @ duals) <= smallest
    equations = np.unique(matrix[np.ix_(between, active)], axis=0).astype(int)
    found = null_vector(equations.tolist(), len(active))
    if found is None or (equations.astype(object) @ np.array(found, dtype=object)).any():
        return None
    sign = 1 if sum(v * duals[c] for v, c in zip(found, active, strict=True)) > 0 else -1
    prices = [0] * len(duals)
    for v, c in zip(found, active.tolist(), strict=True):
        prices[c] = sign * v
    return tuple(prices)


def _priced(problem: PanelProblem, prices: Sequence[int]) -> tuple[NDArray[Any], int]:
    """g_t of every type, shape (T,) of integers, and the bound B that weak duality gives."""
    worth = np.full(problem.types, prices[0], dtype=object)
    bound = problem.size * prices[0]
    for row, price in zip(problem.rows, prices[1:], strict=True):
        if price:
            worth[list(row.types)] += price
            bound += price * (row.upper if price > 0 else row.lower)
    bound -= sum(n * int(g) for n, g in zip(problem.type_sizes, worth, strict=True) if g < 0)
    return worth, int(bound)


def _binding(problem: PanelProblem, prices: Sequence[int], total: int) -> dict[str, float]:
    binding = {}
    for row, price in zip(problem.rows, prices, strict=True):
        if price:
            binding[f"{row.name} ({'upper' if price > 0 else 'lower'})"] = float(Fraction(abs(price), total))
    return binding


# ---------------------------------------------------------------- values of types


def candidate_values(prices: NDArray[np.float64]) -> list[tuple[int, ...]]:
    """Integer values of the types to try, from prices y ≥ 0, shape (T,): small ones where they fit, then fine ones."""
    cleaned = np.where(prices > NO_PRICE * prices.max(initial=0.0), prices, 0.0).tolist()
    if not any(cleaned):
        return []
    small = small_integers(cleaned)
    return [small, scaled_integers(prices.tolist())] if small else [scaled_integers(prices.tolist())]


def best_for(values: Sequence[int], best: BestComposition) -> tuple[Best, int] | None:
    """The best panel for integer values, and an integer that no panel's sum of values exceeds; None: no panel."""
    solved = _solved(values, best)
    if solved is None:
        return None
    found, value, bound, slack = solved
    # Sums of values are integers, so a bound below value + 1 is the value.
    return found, max(value, math.floor(bound + slack))


def _solved(values: Sequence[int], best: BestComposition) -> tuple[Best, int, float, float] | None:
    """The best panel, its sum of values, the solver's bound on such sums, and how good that is (to 1e-9).

    The values are scaled by a power of two, so that floats hold them exactly and the solver's absolute
    tolerances mean the same for all of them.
    """
    scale = 2 ** max(values).bit_length()
    found = best.best(np.array(values, dtype=np.float64) / scale)
    if found is None:
        return None
    value = sum(v * x for v, x in zip(values, found.panel, strict=True))
    return found, value, found.bound * scale, max(1e-6, 1e-9 * scale)


def panel_level(stage: LeximinStage, values: Sequence[int], bound: int, seen: float) -> Level | None:
    """The level that values and bound prove; None where it exceeds the z `seen` by too much to fix a type."""
    weights = np.array(values, dtype=object)
    found = stage.reached(weights, bound)
    if found is None:
        return None
    level, gap, types = found[0], Fraction(0), positive(weights, stage.free)
    if max(values) > LARGEST_SMALL or not stage.is_level(level, seen):
        level, gap, types = stage.settled(weights, *found, seen)
    if not types:
        return None
    return _by_panels(level, types, gap, values, bound)


def undecided_level(
    stage: LeximinStage, values: Sequence[int], bound: int, seen: float, at: NDArray[np.bool_]
) -> Level | None:
    """The level `seen` with the gap that values and bound leave; None where they give no weight to a type of `at`.

    at: the free types that the solver has at the level, shape (T,).
    """
    weights = np.array(values, dtype=object)
    found = stage.reached(weights, bound)
    if found is None:
        return None
    level, gap, types = stage.undecided(weights, *found, seen, at)
    return _by_panels(level, types, gap, values, bound) if types else None


def _by_panels(level: Fraction, types: tuple[int, ...], gap: Fraction, values: Sequence[int], bound: int) -> Level:
    return Level(level, types, "panels", gap, values=tuple((t, v) for t, v in enumerate(values) if v), bound=bound)


# ---------------------------------------------------------------- what only a solver confirms


def solver_facts(problem: PanelProblem, facts: Sequence[SolverFact]) -> str | None:
    """Solves for the bounds that `proof.check` could not confirm; what is wrong with the first that fails, or None.

    Raises:
        SolverError: an integer programme could not be solved.
    """
    from core.sortition.panels import BestComposition

    best = BestComposition(problem)
    for fact in facts:
        values = [0] * problem.types
        for t, value in fact.values:
            values[t] = value
        solved = _solved(values, best)
        if solved is None:
            return "no panel meets the quotas, although the record holds some"
        # The record's bound has the solver's slack in it: another solve of the same programme may end within that.
        found = max(solved[1], math.floor(solved[2]))
        if found > fact.bound:
            return (
                f"level {fact.level}: the record says that no panel's values sum to more than {fact.bound}, "
                f"but the solver finds a bound of {found}"
            )
    return None
