"""Quotas that no panel can meet: which of them conflict, and the least change that admits a panel.

The elastic programme lets every bound give way by s_b ≥ 0 members and minimises Σ s_b over integer
compositions of k members. Its optimum is the least relaxation in members. An irreducible conflict
(bounds that cannot be met together, while every smaller set can) comes from the same programme:
bounds that give way are made hard until nothing is feasible (elastic filter), then each is let go
once, for good where the rest still conflicts (deletion filter).

Source: Chinneck & Dravnieks, Locating minimal infeasible constraint sets in linear programs,
ORSA Journal on Computing 3 (1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InfeasibleQuotas
from core.sortition.panels import BestComposition, Composition
from core.sortition.problem import PanelProblem
from core.sortition.solver import INFINITY, SolverError, compile_model


@dataclass(frozen=True)
class Bound:
    """One side of one quota."""

    row: int
    side: Literal["lower", "upper"]


def require_panel(problem: PanelProblem) -> Composition:
    """A feasible composition.

    Raises:
        InfeasibleQuotas: there is none; the message names a conflict and the least change that repairs it.
    """
    members = sum(problem.type_sizes)
    if problem.size > members:
        raise InfeasibleQuotas(
            f"No panel of {problem.size} exists: the pool has {members} raters. Lower the panel size to at most "
            f"{members}, or widen the pool."
        )
    if all(row.types for row in problem.rows):
        found = BestComposition(problem).best(np.zeros(problem.types))
        if found is not None:
            return found.panel
    elastic = _Elastic(problem)
    repair = elastic.repair()
    conflict = _alone(problem) or elastic.conflict()
    raise InfeasibleQuotas(_message(problem, conflict, repair))


def elastic_model(problem: PanelProblem, bounds: Sequence[Bound]) -> Any:
    """The elastic programme in Pyomo: integer x[t], and give[b] ≥ 0 by which bound b is missed."""
    from pyomo.environ import ConcreteModel, Constraint, NonNegativeIntegers, Objective, Var, minimize

    model = ConcreteModel("elastic quotas")
    types, sizes, rows = range(problem.types), problem.type_sizes, problem.rows
    model.x = Var(types, domain=NonNegativeIntegers, bounds=lambda _, t: (0, sizes[t]))
    model.give = Var(range(len(bounds)), domain=NonNegativeIntegers)
    model.least = Objective(expr=sum(model.give[b] for b in model.give), sense=minimize)
    model.members = Constraint(expr=sum(model.x[t] for t in types) == problem.size)

    def met(m: Any, b: int) -> Any:
        row = rows[bounds[b].row]
        members = sum(m.x[t] for t in row.types)
        if bounds[b].side == "lower":
            return members + m.give[b] >= row.lower
        return members - m.give[b] <= row.upper

    model.bounds = Constraint(range(len(bounds)), rule=met)
    return model


class _Elastic:
    """The compiled elastic programme; which bounds may give way is changed by the columns' bounds."""

    def __init__(self, problem: PanelProblem) -> None:
        self.problem = problem
        self.bounds = [
            Bound(r, side) for r in range(len(problem.rows)) for side in ("lower", "upper") if _binds(problem, r, side)
        ]
        model = elastic_model(problem, self.bounds)
        self.solver, _ = compile_model(model, [*model.x.values(), *model.give.values()])
        self.upper = np.concatenate([problem.n, np.full(len(self.bounds), INFINITY)])

    def solve(self, hard: Sequence[int], free: Sequence[int] = ()) -> NDArray[np.int64] | None:
        """How far every bound gives way when `hard` ones may not and `free` ones cost nothing; None: infeasible."""
        upper = self.upper.copy()
        cost = np.ones(len(self.bounds))
        for b in hard:
            upper[self.problem.types + b] = 0
        for b in free:
            cost[b] = 0
        self.solver.set_column_bounds(np.zeros(len(upper)), upper)
        self.solver.set_costs(cost, first=self.problem.types)
        found = self.solver.solve_integer()
        return None if found is None else found.x[self.problem.types :]

    def repair(self) -> list[tuple[Bound, int]]:
        """The least relaxation: bounds with the members by which they give way."""
        give = self.solve(hard=())
        if give is None:
            raise SolverError("the elastic programme of the quotas has no solution, although every bound may give way")
        return [(bound, int(by)) for bound, by in zip(self.bounds, give, strict=True) if by > 0]

    def conflict(self) -> list[Bound]:
        """An irreducible set of bounds that cannot be met together."""
        candidates: list[int] = []
        while (give := self.solve(hard=candidates)) is not None:
            giving = [b for b, by in enumerate(give) if by > 0]
            if not giving:
                raise SolverError("the quotas are feasible after all when they are solved elastically")
            candidates += giving
        kept = sorted(candidates)
        for b in sorted(candidates):
            rest = [c for c in kept if c != b]
            others = [c for c in range(len(self.bounds)) if c not in rest]
            if self.solve(hard=rest, free=others) is None:
                kept = rest
        return [self.bounds[b] for b in kept]


def _binds(problem: PanelProblem, r: int, side: str) -> bool:
    """Whether a bound excludes anything: a lower bound above 0, or an upper one below what the types offer."""
    row = problem.rows[r]
    if side == "lower":
        return row.lower > 0
    return row.upper < min(problem.size, _in_pool(problem, r))


def _in_pool(problem: PanelProblem, r: int) -> int:
    return sum(problem.type_sizes[t] for t in problem.rows[r].types)


def _alone(problem: PanelProblem) -> list[Bound]:
    """Lower bounds that the pool cannot meet at all: each is a conflict by itself."""
    return [Bound(r, "lower") for r, row in enumerate(problem.rows) if row.lower > _in_pool(problem, r)]


def _message(problem: PanelProblem, conflict: Sequence[Bound], repair: Sequence[tuple[Bound, int]]) -> str:

    named = "; ".join(_described(problem, bound) for bound in conflict)
    least = "; ".join(_repaired(problem, bound, by) for bound, by in repair)
    return (
        f"No panel of {problem.size} meets the quotas. These conflict: {named}. The least change that "
        f"admits a panel: {least}. "
        "Or raise the tolerance, make a category slack, or choose another panel size."
    )


def _described(problem: PanelProblem, bound: Bound) -> str:
    row = problem.rows[bound.row]
    least, value = ("at least", row.lower) if bound.side == "lower" else ("at most", row.upper)
    return f"{row.attribute} {row.category!r} {least} {value} ({_in_pool(problem, bound.row)} in the pool)"


def _repaired(problem: PanelProblem, bound: Bound, by: int) -> str:
    row = problem.rows[bound.row]
    value, changed = (row.lower, row.lower - by) if bound.side == "lower" else (row.upper, row.upper + by)
    return f"{row.attribute} {row.category!r} {bound.side} bound from {value} to {changed}"
