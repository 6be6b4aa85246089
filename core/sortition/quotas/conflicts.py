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

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import InfeasibleQuotas
from core.sortition.panels import BestComposition, Composition
from core.sortition.quotas.problem import PanelProblem
from core.sortition.quotas.quotas import label
from core.sortition.solver import INFINITY, SolverError, compile_model

EXTRA_SECONDS = 5.0
"""How long changes of one bound are searched; conflict and least change have no limit."""

NAMED = 6
"""Quotas that a sentence names; the details name all."""

T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """One side of one quota."""

    row: int
    side: Literal["lower", "upper"]


@dataclass(frozen=True)
class Change:
    """A bound that gives way by some members."""

    bound: Bound
    by: int


def require_panel(problem: PanelProblem) -> Composition:
    """A feasible composition.

    Raises:
        InfeasibleQuotas: there is none; the message and its details name a conflict, the least change that
            repairs it, and changes of one bound that do.
    """
    members = sum(problem.type_sizes)
    if problem.size > members:
        raise InfeasibleQuotas(
            f"No panel of {problem.size} exists: the pool has {members} raters. Lower the panel size to at most "
            f"{members}, or widen the pool.",
            {"size": problem.size, "pool": members, "conflict": [], "least_change": [], "single_changes": []},
        )
    if all(row.types for row in problem.rows):
        found = BestComposition(problem).best(np.zeros(problem.types))
        if found is not None:
            return found.panel
    elastic = _Elastic(problem)
    repair = elastic.repair()
    conflict = _alone(problem) or elastic.conflict()
    singles = elastic.singles(conflict, time.monotonic() + EXTRA_SECONDS)
    raise _error(problem, conflict, repair, singles)


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

    def repair(self) -> list[Change]:
        """The least relaxation: bounds with the members by which they give way."""
        give = self.solve(hard=())
        if give is None:
            raise SolverError("the elastic programme of the quotas has no solution, although every bound may give way")
        return [Change(bound, int(by)) for bound, by in zip(self.bounds, give, strict=True) if by > 0]

    def singles(self, conflict: Sequence[Bound], until: float) -> list[Change] | None:
        """Changes of one bound that are enough, each with the fewest members; None where time ran out.

        Only bounds of the conflict can be: without changing one of them, the conflict stays.
        """
        found = []
        for bound in conflict:
            b = self.bounds.index(bound)
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.solver.limit_time(left)
            try:
                give = self.solve(hard=[c for c in range(len(self.bounds)) if c != b])
            except SolverError:
                return None
            if give is not None:
                found.append(Change(bound, int(give[b])))
        return found

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
    return row.upper < min(problem.size, problem.in_pool(r))


def _alone(problem: PanelProblem) -> list[Bound]:
    """Lower bounds that the pool cannot meet at all: each is a conflict by itself."""
    return [Bound(r, "lower") for r, row in enumerate(problem.rows) if row.lower > problem.in_pool(r)]


# ---------------------------------------------------------------- in words


def _error(
    problem: PanelProblem, conflict: Sequence[Bound], repair: Sequence[Change], singles: Sequence[Change] | None
) -> InfeasibleQuotas:
    lines = [
        f"No panel of {problem.size} meets the quotas. These conflict: {_several(problem, conflict, _described)}."
        f"{_together(problem, conflict)}",
        f"The least change that admits a panel: {_several(problem, repair, _repaired)}.",
    ]
    if singles is None:
        lines.append("Whether the change of a single bound is enough was not searched to the end, for want of time.")
    elif not singles:
        lines.append("No change of a single bound is enough.")
    elif list(singles) != list(repair):
        lines.append(f"Each of these is enough alone: {_several(problem, singles, _repaired)}.")
    details = {
        "size": problem.size,
        "conflict": [_row(problem, bound) | {"in_pool": problem.in_pool(bound.row)} for bound in conflict],
        "least_change": [_row(problem, change.bound, change.by) for change in repair],
        "single_changes": None if singles is None else [_row(problem, c.bound, c.by) for c in singles],
        "feasible_sizes": None,
    }
    return InfeasibleQuotas("\n  ".join(lines), details)


def _several(problem: PanelProblem, items: Sequence[T], said: Callable[[PanelProblem, T], str]) -> str:
    named = "; ".join(said(problem, item) for item in items[:NAMED])
    return named + (f"; and {len(items) - NAMED} more" if len(items) > NAMED else "")


def _together(problem: PanelProblem, conflict: Sequence[Bound]) -> str:
    """The sum that says it all where bounds of one attribute are the conflict."""
    rows = [problem.rows[bound.row] for bound in conflict]
    if len({row.attribute for row in rows}) > 1 or len({bound.side for bound in conflict}) > 1:
        return ""
    if conflict[0].side == "lower":
        least = sum(row.lower for row in rows)
        return f" That asks for {least} people." if least > problem.size else ""
    covered = {t for row in rows for t in row.types}
    most = sum(row.upper for row in rows) + sum(n for t, n in enumerate(problem.type_sizes) if t not in covered)
    return f" That leaves room for {most} people at most." if most < problem.size else ""


def _described(problem: PanelProblem, bound: Bound) -> str:
    row = problem.rows[bound.row]
    least, value = ("at least", row.lower) if bound.side == "lower" else ("at most", row.upper)
    return f"{label(row.attribute, row.category)} {least} {value} ({problem.in_pool(bound.row)} in the pool)"


def _repaired(problem: PanelProblem, change: Change) -> str:
    found = _row(problem, change.bound, change.by)
    return f"{label(found['attribute'], found['category'])} {found['side']} bound from {found['from']} to {found['to']}"


def _row(problem: PanelProblem, bound: Bound, by: int | None = None) -> dict[str, Any]:
    """A bound as data, with its value, or with the values before and after a change."""
    row = problem.rows[bound.row]
    value = row.lower if bound.side == "lower" else row.upper
    found: dict[str, Any] = {"attribute": row.attribute, "category": row.category, "side": bound.side}
    if by is None:
        return found | {"bound": value}
    return found | {"from": value, "to": value - by if bound.side == "lower" else value + by}
