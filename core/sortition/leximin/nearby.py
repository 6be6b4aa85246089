"""Compositions near a point x*, of large weight: a linear programme and a repair.

x_t stays between ⌊x*_t⌋ and ⌈x*_t⌉, quotas that x* meets with equality are kept equal. The vertex of
that linear programme is integral but for about as many types as there are quotas; a small integer
programme over these and a few more types repairs it. The search only has to be good, not complete.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.random_arrays import integers
from core.sortition.panels import Composition
from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import Highs, SolverError

NEAR = 1e-9
"""Distance below which a value counts as an integer, or a quota as met with equality."""

NEIGHBOURHOOD = 30
"""Types set free beside the fractional ones in a repair; measured: fewer fail more often, more are slower."""

REPAIR_GAP = 1.0
"""Relative gap at which a repair ends; measured: exact repairs take half as long again and save few panels."""


class NearbyCompositions:
    """Compositions near x* of large weight, by linear programme and repair."""

    def __init__(self, problem: PanelProblem, target: NDArray[np.float64], stream: RandomStream) -> None:
        self.problem = problem
        self.target = target
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
        solver = Highs()
        solver.accept_gap(REPAIR_GAP)
        solver.maximise()
        kinds = [integer] * len(free)
        solver.add_columns(np.zeros(len(free)).tolist(), self.lower[free].tolist(), self.upper[free].tolist(), kinds)
        for r in np.flatnonzero(touched):
            solver.add_row(lower[r], upper[r], {int(j): 1.0 for j in np.flatnonzero(part[r])})
        return solver

    def find(self, weight: NDArray[np.float64]) -> Composition | None:
        """A composition near x* with large weight·x, or None where the search finds none.

        What HiGHS cannot solve (at these tolerances one repair in some thousands ends in 'Solve error')
        is not found: the search proves nothing, so nothing is lost but this composition.
        """
        vertex = self._vertex(weight)
        if vertex is None:
            return None
        rounded = np.rint(vertex)
        fractional = np.abs(vertex - rounded) > NEAR
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

    def _vertex(self, weight: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The best point of the linear programme, shape (T,)."""
        if self.linear is None:
            return None
        self.linear.set_costs(weight)
        try:
            solution = self.linear.solve_linear()
        except SolverError:
            return None
        return None if solution is None else solution.x

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
        try:
            found = solver.solve_integer()
        except SolverError:
            return None
        if found is None:
            return None
        panel[free] = found.x
        return panel

    def _checked(self, panel: NDArray[np.float64]) -> Composition | None:
        composition = tuple(int(x) for x in panel)
        return composition if self.problem.violation(composition) is None else None


def noise(stream: RandomStream, size: int) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), shape (size,)."""
    return integers(stream, 2**32, size) / 2**32


def _rows_at(
    problem: PanelProblem, target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Size and quotas as a 0/1 matrix (R, T) with bounds; bounds that x* meets become equalities.

    Every composition in the support of a lottery that reaches x* meets those with equality too.
    """
    lower, upper = [float(problem.size)], [float(problem.size)]
    for row in problem.rows:
        members = float(target[list(row.types)].sum())
        at_lower, at_upper = abs(members - row.lower) < NEAR, abs(members - row.upper) < NEAR
        lower.append(float(row.upper if at_upper else row.lower))
        upper.append(float(row.lower if at_lower else row.upper))
    return np.vstack([np.ones(problem.types), problem.member]), np.array(lower), np.array(upper)
