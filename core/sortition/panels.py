"""Feasible compositions by integer programming: is there one, and which is best for given weights?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.sortition.quotas.problem import PanelProblem
from core.sortition.solver import Highs, IntegerSolution, SolverError, compile_model

Composition = tuple[int, ...]
"""x_t for every type: how many of its raters the panel has."""


def composition_model(problem: PanelProblem) -> Any:
    """X in Pyomo: integer x[t], the panel's size and the quotas, with a linear objective Σ_t weight[t]·x[t].

    The objective is zero here; `BestComposition` changes its coefficients in the compiled model.
    """
    from pyomo.environ import ConcreteModel, Constraint, NonNegativeIntegers, Objective, Var, maximize

    model = ConcreteModel("feasible compositions")
    types, sizes, rows = range(problem.types), problem.type_sizes, problem.rows
    quotas = range(len(rows))
    model.x = Var(types, domain=NonNegativeIntegers, bounds=lambda _, t: (0, sizes[t]))
    model.weight = Objective(expr=0.0 * model.x[0], sense=maximize)
    model.members = Constraint(expr=sum(model.x[t] for t in types) == problem.size)
    model.lower = Constraint(quotas, rule=lambda m, q: sum(m.x[t] for t in rows[q].types) >= rows[q].lower)
    model.upper = Constraint(quotas, rule=lambda m, q: sum(m.x[t] for t in rows[q].types) <= rows[q].upper)
    return model


@dataclass(frozen=True)
class Best:
    """A composition of greatest weight, its weight, and a bound that none in X exceeds."""

    panel: Composition
    value: float
    bound: float


class BestComposition:
    """max { w·x : x ∈ X } for one weight vector after another, on the compiled model."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        model = composition_model(problem)
        self.solver: Highs
        self.solver, self.row = compile_model(model, list(model.x.values()))

    def best(self, weight: NDArray[np.float64]) -> Best | None:
        """The best composition of X, or None where X is empty. weight has shape (T,).

        Raises:
            SolverError: the solver's answer is not in X when checked in integers.
        """
        self.solver.set_costs(weight)
        found = self.solver.solve_integer()
        return None if found is None else self._checked(found, weight)

    def _checked(self, found: IntegerSolution, weight: NDArray[np.float64]) -> Best:
        panel: Sequence[int] = found.x.tolist()
        wrong = self.problem.violation(panel)
        if wrong is not None:
            raise SolverError(f"HiGHS returned a panel that is not feasible: {wrong}")
        value = float(weight @ found.x)
        return Best(tuple(panel), value, max(found.bound, value))
