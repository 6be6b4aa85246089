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

Sources: Flanigan, Gölz, Gupta, Hennig, Procaccia, Nature 596 (2021); Nace & Orlin,
Lexicographically minimum and maximum load linear programming problems, OR 55 (2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.sortition.problem import PanelProblem
from core.sortition.solver import INFINITY, Highs, LinearSolution, SolverError, compile_model

POSITIVE_DUAL = 1e-7
"""n_t·y_t above this share fixes a type; the shares of a stage sum to one."""

Z_IS_ONE = 1 - 1e-9
"""From here on everything left is certain: π = 1."""

OnLevel = Callable[[int, int, float], None]
"""Told after each level: types fixed so far, types in all, probability."""


@dataclass(frozen=True)
class Level:
    """One stage of LEXIMIN: the types fixed at `probability`, and duals of the quotas that bind."""

    probability: float
    types: tuple[int, ...]
    binding: dict[str, float] = field(default_factory=dict)


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


class _Stages:
    """The compiled programme, changed from stage to stage by fixing types."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        self.fixed = np.full(problem.types, np.nan)
        model = relaxation_model(problem)
        self.z = problem.types
        self.solver: Highs
        self.solver, self.row = compile_model(model, [*model.x.values(), model.z])
        self.binding_names = {
            f"{side}[{q}]": f"{row.name} ({side})" for q, row in enumerate(problem.rows) for side in ("lower", "upper")
        }

    def fix(self, t: int, pi: float) -> None:
        """Turns x_t ≥ n_t·z into x_t ≥ n_t·π̄_t."""
        row = self.row[f"share[{t}]"]
        self.solver.set_coefficient(row, self.z, 0.0)
        self.solver.set_row_bounds(row, self.problem.type_sizes[t] * pi, INFINITY)
        self.fixed[t] = pi

    def solve(self) -> LinearSolution:
        solution = self.solver.solve_linear()
        if solution is None:
            raise SolverError(
                f"the relaxation became infeasible after {int(np.isfinite(self.fixed).sum())} of "
                f"{self.problem.types} types were fixed: rounding errors have grown past 1e-10; no lottery was recorded"
            )
        return solution

    def shares(self, solution: LinearSolution) -> NDArray[np.float64]:
        """n_t·y_t of the types that are not fixed, zero elsewhere, shape (T,)."""
        rows = [self.row[f"share[{t}]"] for t in range(self.problem.types)]
        share = np.abs(solution.dual[rows]) * self.problem.n
        return np.where(np.isnan(self.fixed), share, 0.0)

    def binding(self, solution: LinearSolution) -> dict[str, float]:
        """Duals of the quotas that hold the level down."""
        found = {}
        for constraint, name in self.binding_names.items():
            row = self.row.get(constraint)
            if row is not None and abs(solution.dual[row]) > 1e-9:
                found[name] = abs(float(solution.dual[row]))
        return found


def relaxed_leximin(problem: PanelProblem, on_level: OnLevel | None = None) -> RelaxedOptimum:
    """LEXIMIN of P, which must not be empty (`conflicts.require_panel`).

    Raises:
        SolverError: HiGHS could not solve a stage.
    """
    stages = _Stages(problem)
    levels: list[Level] = []
    while True:
        solution = stages.solve()
        level = _level(stages, solution)
        levels.append(level)
        for t in level.types:
            stages.fix(t, level.probability)
        left = int(np.isnan(stages.fixed).sum())
        if on_level:
            on_level(problem.types - left, problem.types, level.probability)
        if left == 0:
            return RelaxedOptimum(stages.fixed.copy(), tuple(levels))


def _level(stages: _Stages, solution: LinearSolution) -> Level:
    """The types that this stage's duals fix."""
    free = np.flatnonzero(np.isnan(stages.fixed))
    z = min(1.0, max(0.0, float(solution.x[stages.z])))
    if z >= Z_IS_ONE:
        return Level(1.0, tuple(free.tolist()), stages.binding(solution))
    shares = stages.shares(solution)
    chosen = np.flatnonzero(shares > POSITIVE_DUAL)
    if len(chosen) == 0:
        raise SolverError(f"no type has a positive dual at level {z}: the stage is not solved to optimality")
    return Level(z, tuple(chosen.tolist()), stages.binding(solution))
