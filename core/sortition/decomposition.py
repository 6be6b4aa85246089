"""From a point of the relaxation to a lottery over real compositions, or to a proof that there is none.

Given x* (expected members of each type), compositions are generated one after another and mixed so
that Σ_p λ_p·x_p comes as near to x* as it can (`projection`). The residual r = x* − Σλ_p·x_p says what
is missing: the next composition is one of large r·x. Two cases end this:

- r = 0: λ is a lottery with exactly the wanted inclusion probabilities;
- max { r·x : x ∈ X } < r·x*: the hyperplane r separates x* from every composition, so no lottery
  reaches x*. That maximum is taken over all of X by an integer programme and is a proof.

Most compositions come from a cheap search near x*: x_t between ⌊x*_t⌋ and ⌈x*_t⌉, quotas that x* meets
with equality kept equal, a vertex of that linear programme, repaired by a small integer programme
over its fractional types and a few more. The search only has to be good, not complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.randomness import RandomStream
from core.sortition.panels import BestComposition, Composition
from core.sortition.problem import PanelProblem
from core.sortition.projection import NearestMixture
from core.sortition.solver import Highs, SolverError

REACHED = 1e-10
"""Largest |r_t| at which x* counts as reached."""

NEAR = 1e-9
"""Distance below which a value counts as an integer, or a quota as met with equality."""

NEIGHBOURHOOD = 30
"""Types set free beside the fractional ones in a repair; measured: fewer fail more often, more are slower."""

CLEARLY = 1e-8
"""Depth from which on a separation is believed; integer programmes are solved to 1e-9."""

REPAIR_GAP = 1.0
"""Relative gap at which a repair ends; measured: exact repairs take half as long again and save few panels."""

OnResidual = Callable[[int, float], None]
"""Told now and then: compositions so far, largest |r_t|."""


@dataclass(frozen=True)
class Mixture:
    """Compositions and positive weights with Σ_p λ_p·x_p = x* up to `residual` (largest |r_t|)."""

    panels: tuple[Composition, ...]
    weights: NDArray[np.float64]
    residual: float


@dataclass(frozen=True)
class Separated:
    """Proof that no lottery reaches x*: direction·x ≤ bound < direction·x* for every composition x."""

    direction: NDArray[np.float64]
    bound: float
    panels: tuple[Composition, ...]


class NearbyCompositions:
    """Compositions near x* of large weight, by linear programme and repair."""

    def __init__(self, problem: PanelProblem, target: NDArray[np.float64], stream: RandomStream) -> None:
        self.problem = problem
        self.stream = stream
        self.lower = np.floor(target + NEAR)
        self.upper = np.ceil(target - NEAR)
        self.matrix, self.row_lower, self.row_upper = _rows_at(problem, target)
        self.linear = self._programme(np.arange(problem.types), np.zeros(len(self.row_lower)), integer=False)

    def _programme(self, free: NDArray[np.int64], used: NDArray[np.float64], *, integer: bool) -> Highs | None:
        """max over the free types of a weight set later; None where what is used already breaks a quota."""
        lower, upper = self.row_lower - used, self.row_upper - used
        part = self.matrix[:, free]
        touched = part.any(axis=1)
        if np.any((lower > 0) & ~touched) or np.any((upper < 0) & ~touched):
            return None
        solver = Highs(relative_gap=REPAIR_GAP)
        solver.maximise()
        kinds = [integer] * len(free)
        solver.add_columns(np.zeros(len(free)).tolist(), self.lower[free].tolist(), self.upper[free].tolist(), kinds)
        for r in np.flatnonzero(touched):
            solver.add_row(lower[r], upper[r], {int(j): 1.0 for j in np.flatnonzero(part[r])})
        return solver

    def find(self, weight: NDArray[np.float64]) -> Composition | None:
        """A composition near x* with large weight·x, or None where the search finds none."""
        if self.linear is None:
            return None
        self.linear.set_costs(weight)
        vertex = self.linear.solve_linear()
        if vertex is None:
            return None
        rounded = np.rint(vertex.x)
        fractional = np.abs(vertex.x - rounded) > NEAR
        if not fractional.any():
            return self._checked(rounded)
        extra = NEIGHBOURHOOD
        while True:
            free = fractional.copy()
            free[self.stream.sample(range(self.problem.types), min(extra, self.problem.types))] = True
            repaired = self._repair(rounded, np.flatnonzero(free), weight)
            if repaired is not None:
                return self._checked(repaired)
            if extra >= self.problem.types:
                return None
            extra *= 2

    def _repair(
        self, rounded: NDArray[np.float64], free: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """The best composition that differs from the rounded vertex in the free types only."""
        panel = rounded.copy()
        panel[free] = 0
        solver = self._programme(free, self.matrix @ panel, integer=True)
        if solver is None:
            return None
        solver.set_costs(weight[free])
        found = solver.solve_integer()
        if found is None:
            return None
        panel[free] = found.x
        return panel

    def _checked(self, panel: NDArray[np.float64]) -> Composition | None:
        composition = tuple(int(x) for x in panel)
        return composition if self.problem.violation(composition) is None else None


def _rows_at(
    problem: PanelProblem, target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Size and quotas as a 0/1 matrix (R, T) with bounds; bounds that x* meets become equalities.

    Every composition in the support of a lottery that reaches x* meets those with equality too.
    """
    matrix = np.zeros((1 + len(problem.rows), problem.types))
    matrix[0] = 1
    lower, upper = [float(problem.size)], [float(problem.size)]
    for r, row in enumerate(problem.rows, start=1):
        matrix[r, list(row.types)] = 1
        members = float(target[list(row.types)].sum())
        at_lower, at_upper = abs(members - row.lower) < NEAR, abs(members - row.upper) < NEAR
        lower.append(float(row.upper if at_upper else row.lower))
        upper.append(float(row.lower if at_lower else row.upper))
    return matrix, np.array(lower), np.array(upper)


def decompose(
    problem: PanelProblem,
    target: NDArray[np.float64],
    best: BestComposition,
    stream: RandomStream,
    known: Sequence[Composition] = (),
    on_residual: OnResidual | None = None,
) -> Mixture | Separated:
    """A lottery whose expectation is `target`, or the proof that there is none.

    Args:
        target: x*, shape (T,), in the relaxation (size and quotas hold up to 1e-10).
        best: exact pricing over X.
        stream: chooses repair neighbourhoods and breaks ties; fixes the result.
        known: compositions found earlier, mixed in where they help.

    Raises:
        SolverError: the solver proved neither.
    """
    mixture = NearestMixture(target)
    mixture.add(known)
    nearby = NearbyCompositions(problem, target, stream)
    _spread(mixture, nearby, stream, problem.types // 4)
    batch = max(1, problem.types // 150)
    while True:
        largest = mixture.solve()
        if on_residual:
            on_residual(len(mixture.panels), largest)
        if largest <= REACHED:
            return _supported(mixture)
        if not _improve(mixture, nearby, stream, batch):
            proof = _price(mixture, best)
            if proof is not None:
                return proof


def _spread(mixture: NearestMixture, nearby: NearbyCompositions, stream: RandomStream, count: int) -> None:
    """First compositions by herding: each maximises what its predecessors left short of x*."""
    short = np.zeros(len(mixture.target))
    for _ in range(count):
        short += mixture.target
        panel = nearby.find(short + 1e-3 * _noise(stream, len(short)))
        if panel is None:
            return
        mixture.add([panel])
        short -= np.array(panel)


def _improve(mixture: NearestMixture, nearby: NearbyCompositions, stream: RandomStream, batch: int) -> bool:
    """Adds compositions near x* along the residual; whether any of them can shorten it."""
    residual = mixture.residual
    scale = float(np.abs(residual).max())
    needed = 1e-3 * float(residual @ residual)
    found = False
    for i in range(batch):
        weight = residual / scale
        if i:
            weight = weight + 0.3 * (_noise(stream, len(weight)) - 0.5)
        panel = nearby.find(weight)
        if panel is None or panel in mixture:
            continue
        mixture.add([panel])
        found = found or float(residual @ np.array(panel)) > needed
    return found


def _price(mixture: NearestMixture, best: BestComposition) -> Separated | None:
    """Adds the composition of X that is best along the residual, or returns the separating hyperplane.

    The residual is orthogonal to the mixture, so r·x* = ‖r‖² up to rounding; x* can only be a mixture of
    compositions if one of them has r·x ≥ r·x*.
    """
    residual = mixture.residual
    direction = residual / float(np.abs(residual).max())
    found = best.best(direction)
    if found is None:
        raise SolverError("the panels became infeasible while they were being generated")
    wanted = float(direction @ mixture.target)
    if found.bound < wanted - CLEARLY:
        return Separated(direction, found.bound, tuple(mixture.panels))
    if mixture.add([found.panel]) == 0:
        raise SolverError(
            f"the lottery stalled {float(np.abs(residual).max()):.1e} away from the optimum: the best panel is in it "
            "already, so rounding errors have grown past what can be told apart"
        )
    return None


def _supported(mixture: NearestMixture) -> Mixture:
    """The compositions with positive weight, in a fixed order."""
    weights = mixture.weights
    order = sorted(np.flatnonzero(weights > 0).tolist(), key=lambda p: mixture.panels[p], reverse=True)
    return Mixture(
        tuple(mixture.panels[p] for p in order), weights[order].copy(), float(np.abs(mixture.residual).max())
    )


def _noise(stream: RandomStream, size: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), shape (size,)."""
    return stream.integers(2**32, size) / 2**32
