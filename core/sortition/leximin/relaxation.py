"""LEXIMIN over the linear relaxation of the feasible compositions.

The relaxation is P = { x ∈ ℝ^T : 0 ≤ x_t ≤ n_t, Σx = k, quotas } and π_t = x_t / n_t. LEXIMIN
maximises the smallest π, then the next smallest, and so on. Stage by stage, with F the types fixed
so far at π̄, it solves

    maximise    z
    subject to  x_t ≥ n_t·z        for every t ∉ F        (dual y_t)
                x_t ≥ n_t·π̄_t      for every t ∈ F
                x ∈ P

A type with n_t·y_t > 0 sits at z in *every* optimal solution (complementary slackness), so it is
fixed at z. Since Σ_{t ∉ F} n_t·y_t = 1, every stage fixes at least one type. P contains every
composition and hence the expectation of every lottery, so its LEXIMIN bounds the real one from
above; where it is the expectation of a lottery it *is* the real one.

The duals of size and quotas become integer prices and the level a fraction (`certificate`); the types
fixed are those that the integers fix, and the next stage starts from the fraction.

Sources: Flanigan, Gölz, Gupta, Hennig, Procaccia, Nature 596 (2021); Nace & Orlin,
Lexicographically minimum and maximum load linear programming problems, OR 55 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.sortition.leximin.certificate import Level, LeximinStage, quota_level
from core.sortition.progress import OnProgress, silent
from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import INFINITY, Highs, LinearSolution, SolverError, compile_model

Z_IS_ONE = 1 - 1e-9
"""From here on everything left is certain: π = 1."""


@dataclass(frozen=True)
class RelaxedOptimum:
    """LEXIMIN of a relaxation: π per type, shape (T,), and the levels by which it was found."""

    pi: NDArray[np.float64]
    levels: tuple[Level, ...]


def relaxation_model(problem: PanelProblem) -> Any:
    """The first stage's programme in Pyomo: variables x[t] and z, constraints as in the module's text."""
    from pyomo.environ import ConcreteModel, Constraint, NonNegativeReals, Objective, Var, maximize

    model = ConcreteModel("LEXIMIN of the relaxation")
    types, sizes = range(problem.types), problem.type_sizes
    quotas = range(len(problem.rows))
    rows = problem.rows

    model.x = Var(types, domain=NonNegativeReals, bounds=lambda _, t: (0, sizes[t]))
    model.z = Var(domain=NonNegativeReals)
    model.maximin = Objective(expr=model.z, sense=maximize)
    model.share = Constraint(types, rule=lambda m, t: m.x[t] - sizes[t] * m.z >= 0)
    model.members = Constraint(expr=sum(model.x[t] for t in types) == problem.size)

    def members_of(m: Any, q: int) -> Any:
        return sum(m.x[t] for t in rows[q].types)

    model.lower = Constraint(quotas, rule=lambda m, q: members_of(m, q) >= rows[q].lower)
    model.upper = Constraint(quotas, rule=lambda m, q: members_of(m, q) <= rows[q].upper)
    return model


class _Programme:
    """The compiled programme, changed from stage to stage by fixing types."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        model = relaxation_model(problem)
        self.z = problem.types
        self.solver: Highs
        self.solver, self.row = compile_model(model, [*model.x.values(), model.z])
        self.solver.keep_primal()

    def fix(self, level: Level) -> None:
        """Turns x_t ≥ n_t·z into x_t ≥ n_t·π̄_t."""
        for t in level.types:
            row = self.row[f"share[{t}]"]
            self.solver.set_coefficient(row, self.z, 0.0)
            self.solver.set_row_bounds(row, self.problem.type_sizes[t] * level.probability, INFINITY)

    def solve(self, fixed: int) -> LinearSolution:
        solution = self.solver.solve_linear()
        if solution is None:
            raise SolverError(
                f"the relaxation became infeasible after {fixed} of {self.problem.types} types were fixed: "
                "rounding errors have grown past 1e-10; no lottery was recorded"
            )
        return solution

    def duals(self, solution: LinearSolution) -> tuple[float, NDArray[np.float64]]:
        """∂z/∂k, and ∂z/∂bound of every quota, shape (R,)."""
        quota = np.zeros(len(self.problem.rows))
        for q in range(len(quota)):
            quota[q] = solution.dual[self.row[f"lower[{q}]"]] + solution.dual[self.row[f"upper[{q}]"]]
        return float(solution.dual[self.row["members"]]), quota


def relaxed_leximin(problem: PanelProblem, tell: OnProgress = silent) -> RelaxedOptimum:
    """LEXIMIN of P, which must not be empty (`conflicts.require_panel`).

    Raises:
        SolverError: HiGHS could not solve a stage.
    """
    programme = _Programme(problem)
    stage = LeximinStage(problem)
    while stage.left:
        solution = programme.solve(stage.fixed)
        level = _level(stage, programme, solution)
        stage.fix(level)
        programme.fix(level)
        tell(stage.fixed / problem.types, stage.reached_text())
    return RelaxedOptimum(stage.pi(), tuple(stage.levels))


def _level(stage: LeximinStage, programme: _Programme, solution: LinearSolution) -> Level:
    """The level, and the types that this stage's duals fix at it."""
    z = min(1.0, max(0.0, float(solution.x[programme.z])))
    if z >= Z_IS_ONE:
        return stage.certain()
    level = quota_level(stage, *programme.duals(solution), z)
    if level is None:
        raise SolverError(f"no type has a positive dual at level {z}: the stage is not solved to optimality")
    return level
