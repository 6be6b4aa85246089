"""LEXIMIN by column generation: exact on every pool, slow on large ones.

The stages are those of `relaxation`, over lotteries instead of expectations. With compositions
x_1 … x_m generated so far, F the types fixed at π̄ and free types t ∉ F, a stage solves the master

    maximise    z
    subject to  Σ_p λ_p·x_{p,t} ≥ n_t·z       t ∉ F      (dual y_t)
                Σ_p λ_p·x_{p,t} ≥ n_t·π̄_t     t ∈ F      (dual y_t)
                Σ_p λ_p = 1,  λ ≥ 0

and prices with the integer programme  max { y·x : x ∈ X }. By duality no lottery that keeps F at π̄
has a smallest free π above  max_x y·x − Σ_{t ∈ F} n_t·π̄_t·y_t;  once z reaches that bound the stage is
proved, and the free types with n_t·y_t > 0 are fixed at z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.sortition.decomposition import Mixture
from core.sortition.panels import BestComposition, Composition
from core.sortition.problem import PanelProblem
from core.sortition.relaxation import POSITIVE_DUAL, Z_IS_ONE, Level, OnLevel, RelaxedOptimum
from core.sortition.solver import INFINITY, Highs, LinearSolution, SolverError

PROVED = 1e-9
"""A stage is proved once its bound is this near to z."""

CERTAIN = 1e-7
"""A type is fixed when the stage's gap leaves its π at most this uncertain: gap / (n_t·y_t)."""

OnStage = Callable[[int, int, float, float], None]
"""Told while a stage runs: types fixed, compositions so far, z, bound."""


class _Master:
    """The master programme; columns 0 is z, column 1 + p is λ_p; row t is type t, row T is Σλ = 1."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        self.fixed = np.full(problem.types, np.nan)
        self.panels: list[Composition] = []
        self._known: set[Composition] = set()
        self.solver = Highs()
        self.solver.maximise()
        self.solver.add_columns([1.0], [0.0], [1.0])
        for n in problem.type_sizes:
            self.solver.add_row(0.0, INFINITY, {0: -float(n)})
        self.solver.add_row(1.0, 1.0, {})

    def add(self, panel: Composition) -> bool:
        if panel in self._known:
            return False
        self._known.add(panel)
        self.panels.append(panel)
        entries = {t: float(x) for t, x in enumerate(panel) if x}
        self.solver.add_column(0.0, 0.0, INFINITY, entries | {self.problem.types: 1.0})
        return True

    def fix(self, t: int, pi: float) -> None:
        self.solver.set_coefficient(t, 0, 0.0)
        self.solver.set_row_bounds(t, self.problem.type_sizes[t] * pi, INFINITY)
        self.fixed[t] = pi

    def solve(self) -> LinearSolution:
        solution = self.solver.solve_linear()
        if solution is None:
            raise SolverError("the master programme became infeasible: rounding errors have grown past 1e-10")
        return solution

    def prices(self, solution: LinearSolution) -> NDArray[np.float64]:
        """y ≥ 0, shape (T,)."""
        return np.abs(solution.dual[: self.problem.types])

    def owed(self, prices: NDArray[np.float64]) -> float:
        """Σ_{t ∈ F} n_t·π̄_t·y_t."""
        return float(np.nansum(self.problem.n * self.fixed * prices))

    def mixture(self, solution: LinearSolution) -> Mixture:
        weights = solution.x[1:]
        order = sorted(np.flatnonzero(weights > 0).tolist(), key=lambda p: self.panels[p], reverse=True)
        panels = tuple(self.panels[p] for p in order)
        missed = np.abs(weights[order] @ np.array(panels) - self.problem.n * self.fixed)
        return Mixture(panels, weights[order].copy(), float(missed.max()))


def generated_leximin(
    problem: PanelProblem,
    best: BestComposition,
    known: Sequence[Composition],
    on_level: OnLevel | None = None,
    on_stage: OnStage | None = None,
) -> tuple[RelaxedOptimum, Mixture]:
    """LEXIMIN over all lotteries and a lottery that reaches it; `known` must hold a composition or more.

    Raises:
        SolverError: a stage could not be proved; the message says how far the proof got.
    """
    master = _Master(problem)
    for panel in known:
        master.add(panel)
    levels: list[Level] = []
    while True:
        solution, gap = _stage(master, best, on_stage)
        level = _level(master, solution, gap)
        levels.append(level)
        for t in level.types:
            master.fix(t, level.probability)
        left = int(np.isnan(master.fixed).sum())
        if on_level:
            on_level(problem.types - left, problem.types, level.probability)
        if left == 0:
            return RelaxedOptimum(master.fixed.copy(), tuple(levels)), master.mixture(solution)


def _stage(master: _Master, best: BestComposition, on_stage: OnStage | None) -> tuple[LinearSolution, float]:
    """Generates compositions until the level is proved; the solution and the gap that remains."""
    while True:
        solution = master.solve()
        z = float(solution.x[0])
        prices = master.prices(solution)
        found = best.best(prices)
        if found is None:
            raise SolverError("the panels became infeasible while they were being generated")
        gap = found.bound - master.owed(prices) - z
        if on_stage:
            on_stage(int(np.isfinite(master.fixed).sum()), len(master.panels), z, z + gap)
        if z >= Z_IS_ONE or gap <= PROVED:
            return solution, max(gap, 0.0)
        if not master.add(found.panel):
            done = int(np.isfinite(master.fixed).sum())
            raise SolverError(
                f"LEXIMIN is proved for {done} of {master.problem.types} types; the next level lies between "
                f"{abs(z):.12g} and {z + gap:.12g}, and no further panel narrows that down"
            )


def _level(master: _Master, solution: LinearSolution, gap: float) -> Level:
    """The types that the stage's duals fix at z."""
    free = np.isnan(master.fixed)
    z = min(1.0, max(0.0, float(solution.x[0])))
    if z >= Z_IS_ONE:
        return Level(1.0, tuple(np.flatnonzero(free).tolist()))
    shares = np.where(free, master.prices(solution) * master.problem.n, 0.0)
    chosen = np.flatnonzero(shares > max(POSITIVE_DUAL, gap / CERTAIN))
    if len(chosen) == 0:
        raise SolverError(f"no type has a positive dual at level {z}: the stage is not solved to optimality")
    return Level(z, tuple(chosen.tolist()))
