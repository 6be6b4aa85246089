"""LEXIMIN by column generation: exact on every pool, slow on large ones.

The stages are those of `relaxation`, over lotteries instead of expectations. With compositions
x_1 … x_m generated so far, F the types fixed at π̄ and free types t ∉ F, a stage solves the master

    maximise    z
    subject to  Σ_p λ_p·x_{p,t} ≥ n_t·z       t ∉ F      (dual y_t)
                Σ_p λ_p·x_{p,t} ≥ n_t·π̄_t     t ∈ F      (dual y_t)
                Σ_p λ_p = 1,  λ ≥ 0

and prices with the integer programme  max { w·x : x ∈ X }  for integers w that stand for y. By duality
no lottery that keeps F at π̄ has a smallest free π above (max_x w·x − Σ_{t ∈ F} n_t·π̄_t·w_t) over
Σ_{t ∉ F} n_t·w_t; once z reaches that bound the stage is proved (`certificate`), and the free types with
w_t > 0 are fixed.

Everything but the bound is in floats. Where the best panel for w is in the master already and the bound is
still above z, floats cannot tell more: the level is z with that gap, and counts as undecided
(`facts.sortition.undecided`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.facts.sortition.proof import DECIDED
from core.sortition.leximin.certificate import (
    Level,
    LeximinStage,
    best_for,
    candidate_values,
    level_from,
    level_values,
    panel_level,
    undecided_level,
)
from core.sortition.leximin.checkpoint import Checkpoint, packed, unpacked
from core.sortition.leximin.decomposition import Mixture
from core.sortition.leximin.relaxation import Z_IS_ONE, RelaxedOptimum
from core.sortition.panels import Best, BestComposition, Composition
from core.sortition.progress import OnProgress, silent
from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import INFINITY, Highs, LinearSolution, SolverError

PROVED = float(DECIDED)
"""A stage is proved once its bound is this near to z."""

GIVES_WAY = 5e-10
"""By how much fixed types may fall below their levels where these exclude each other by rounding."""


class _Master:
    """The master programme; columns 0 is z, column 1 + p is λ_p; row t is type t, row T is Σλ = 1."""

    def __init__(self, problem: PanelProblem, panels: Sequence[Composition], levels: Sequence[Level]) -> None:
        self.problem = problem
        self.panels: list[Composition] = []
        self._known: set[Composition] = set()
        self._fixed: dict[int, float] = {}
        self.solver = Highs()
        self.solver.maximise()
        self.solver.add_columns([1.0], [0.0], [1.0])
        for n in problem.type_sizes:
            self.solver.add_row(0.0, INFINITY, {0: -float(n)})
        self.solver.add_row(1.0, 1.0, {})
        for panel in panels:
            self.add(panel)
        for level in levels:
            self.fix(level)

    def add(self, panel: Composition) -> bool:
        if panel in self._known:
            return False
        self._known.add(panel)
        self.panels.append(panel)
        entries = {t: float(x) for t, x in enumerate(panel) if x}
        self.solver.add_column(0.0, 0.0, INFINITY, entries | {self.problem.types: 1.0})
        return True

    def fix(self, level: Level) -> None:
        for t in level.types:
            self._fixed[t] = level.probability
            self.solver.set_coefficient(t, 0, 0.0)
            self.solver.set_row_bounds(t, self.problem.type_sizes[t] * level.probability, INFINITY)

    def solve(self) -> LinearSolution:
        solution = self.solver.solve_linear()
        if solution is None:
            for t, n in enumerate(self.problem.type_sizes):
                if t in self._fixed:
                    self.solver.set_row_bounds(t, n * (self._fixed[t] - GIVES_WAY), INFINITY)
            solution = self.solver.solve_linear()
        if solution is None:
            raise SolverError(f"the master programme became infeasible: rounding errors have grown past {GIVES_WAY}")
        return solution

    def lowest(self, solution: LinearSolution) -> NDArray[np.bool_]:
        """The free types whose π is the smallest of them, shape (T,)."""
        pi = solution.x[1:] @ np.array(self.panels) / self.problem.n
        pi[list(self._fixed)] = np.inf
        found: NDArray[np.bool_] = pi <= pi.min() + PROVED
        return found

    def prices(self, solution: LinearSolution) -> NDArray[np.float64]:
        """y ≥ 0, shape (T,)."""
        return np.abs(solution.dual[: self.problem.types])

    def mixture(self, solution: LinearSolution, pi: NDArray[np.float64]) -> Mixture:
        weights = solution.x[1:]
        order = sorted(np.flatnonzero(weights > 0).tolist(), key=lambda p: self.panels[p], reverse=True)
        panels = tuple(self.panels[p] for p in order)
        missed = np.abs(weights[order] @ np.array(panels) - self.problem.n * pi)
        return Mixture(panels, weights[order].copy(), float(missed.max()))


def generated_leximin(
    problem: PanelProblem,
    best: BestComposition,
    known: Sequence[Composition],
    on_progress: OnProgress = silent,
    checkpoint: Checkpoint | None = None,
) -> tuple[RelaxedOptimum, Mixture]:
    """LEXIMIN over all lotteries and a lottery that reaches it; `known` must hold a composition or more.

    A level that floats cannot decide has a gap above `DECIDED`; those above it are LEXIMIN over the lotteries that
    keep it as it is.

    Every stage starts with fresh solvers from the compositions and levels so far, which the checkpoint
    keeps: work taken up again ends with the same bits.

    Raises:
        SolverError: HiGHS could not solve a stage.
    """
    kept = checkpoint or Checkpoint()
    stage, panels = LeximinStage(problem), list(known)

    def tell(detail: str) -> None:
        on_progress(stage.fixed / problem.types, f"column generation: {detail}")

    state = kept.load()
    if state is not None:
        panels = unpacked(state["panels"], problem.types)
        for values in state["levels"]:
            stage.fix(level_from(values))
    while True:
        best.solver.forget()
        master = _Master(problem, panels, stage.levels)
        solution, level = _level(stage, master, best, tell)
        stage.fix(level)
        panels = master.panels
        tell(stage.reached_text())
        if not stage.left:
            pi = stage.pi()
            return RelaxedOptimum(pi, tuple(stage.levels)), master.mixture(solution, pi)
        kept.save({"panels": packed(panels), "levels": [level_values(level) for level in stage.levels]})


def _level(
    stage: LeximinStage, master: _Master, best: BestComposition, tell: Callable[[str], None]
) -> tuple[LinearSolution, Level]:
    """Generates compositions until the level is proved; the master's last solution and the level."""
    while True:
        solution = master.solve()
        z = float(solution.x[0])
        if z >= Z_IS_ONE:
            return solution, stage.certain()
        found = _proof(stage, master, best, solution, tell)
        if found is not None:
            return solution, found


def _proof(
    stage: LeximinStage, master: _Master, best: BestComposition, solution: LinearSolution, tell: Callable[[str], None]
) -> Level | None:
    """The level, where integers that stand for the master's duals prove it; None where a composition was added.

    Where neither is possible, the solver's bound does not reach z, and its best composition is in the master:
    the level with the smallest gap.
    """
    z = float(solution.x[0])
    nearest: Level | None = None
    for values in candidate_values(master.prices(solution)):
        panel, worth = _priced(values, best)
        reached = stage.reached(np.array(values, dtype=object), worth)
        if reached is None:
            continue
        tell(f"{len(master.panels)} panels, next level between {z:.6f} and {float(reached[0]):.6f}")
        level = panel_level(stage, values, worth, z)
        if float(reached[0]) - z <= PROVED and level is not None:
            return level
        if master.add(panel.panel):
            return None
        if level is not None and (nearest is None or level.gap < nearest.gap):
            nearest = level
    return nearest or _undecided(stage, master, best, solution)


def _undecided(stage: LeximinStage, master: _Master, best: BestComposition, solution: LinearSolution) -> Level:
    """The level z with the smallest gap that any values leave: the duals', or 1 for each type that is at z."""
    z, at = float(solution.x[0]), master.lowest(solution)
    equal = tuple(int(here) for here in at)
    tried = [(values, _priced(values, best)[1]) for values in (*candidate_values(master.prices(solution)), equal)]
    levels = [undecided_level(stage, values, worth, z, at) for values, worth in tried]
    return min((level for level in levels if level is not None), key=lambda level: level.gap)


def _priced(values: Sequence[int], best: BestComposition) -> tuple[Best, int]:
    found = best_for(values, best)
    if found is None:
        raise SolverError("the panels became infeasible while they were being generated")
    return found
