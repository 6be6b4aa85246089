"""A second way to LEXIMIN for tests: every composition written down, SciPy's solver, no code of the engine's."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog

from core.sortition.quotas.problem import PanelProblem, QuotaConstraint


def compositions(problem: PanelProblem) -> list[tuple[int, ...]]:
    """All feasible compositions, by depth-first search over the types."""
    rows = problem.rows
    after = [sum(problem.type_sizes[t:]) for t in range(problem.types + 1)]
    reach = [[sum(problem.type_sizes[t] for t in r.types if t >= s) for s in range(problem.types + 1)] for r in rows]
    rows_of = [[i for i, r in enumerate(rows) if t in r.types] for t in range(problem.types)]
    found: list[tuple[int, ...]] = []
    counts = [0] * len(rows)
    panel = [0] * problem.types

    def visit(t: int, left: int) -> None:
        if left > after[t]:
            return
        if any(counts[i] > r.upper or counts[i] + reach[i][t] < r.lower for i, r in enumerate(rows)):
            return
        if t == problem.types:
            if left == 0:
                found.append(tuple(panel))
            return
        for x in range(min(problem.type_sizes[t], left) + 1):
            panel[t] = x
            for i in rows_of[t]:
                counts[i] += x
            visit(t + 1, left - x)
            for i in rows_of[t]:
                counts[i] -= x
        panel[t] = 0

    visit(0, problem.size)
    return found


def brute_leximin(problem: PanelProblem, panels: list[tuple[int, ...]]) -> np.ndarray:
    """π per type by lexicographic linear programmes over all compositions, shape (T,)."""
    shares = np.array(panels, dtype=float) / np.array(problem.type_sizes)
    count, types = shares.shape
    fixed = np.full(types, np.nan)
    while np.isnan(fixed).any():
        free = np.isnan(fixed)
        left = np.column_stack([-shares.T, free.astype(float)])
        right = np.where(free, 0.0, -np.nan_to_num(fixed) + 1e-11)
        solved = linprog(
            np.append(np.zeros(count), -1.0),
            A_ub=left,
            b_ub=right,
            A_eq=[np.append(np.ones(count), 0.0)],
            b_eq=[1.0],
            bounds=(0, None),
            method="highs",
        )
        assert solved.status == 0, solved.message
        fixed[free & (-solved.ineqlin.marginals > 1e-7)] = -solved.fun
    return fixed


def relaxed_by_scipy(problem: PanelProblem) -> np.ndarray:
    """π per type of the relaxation's LEXIMIN, over expected members instead of compositions, shape (T,)."""
    sizes, types = np.array(problem.type_sizes, dtype=float), problem.types
    member = np.array([[float(t in row.types) for t in range(types)] for row in problem.rows])
    upper = np.array([row.upper for row in problem.rows], dtype=float)
    lower = np.array([row.lower for row in problem.rows], dtype=float)
    fixed = np.full(types, np.nan)
    while np.isnan(fixed).any():
        free = np.isnan(fixed)
        shares = np.column_stack([-np.eye(types), np.where(free, sizes, 0.0)])
        quotas = np.column_stack([np.vstack([member, -member]), np.zeros(2 * len(upper))])
        solved = linprog(
            np.append(np.zeros(types), -1.0),
            A_ub=np.vstack([shares, quotas]),
            b_ub=np.concatenate([np.where(free, 0.0, -sizes * np.nan_to_num(fixed) + 1e-11), upper, -lower]),
            A_eq=[np.append(np.ones(types), 0.0)],
            b_eq=[float(problem.size)],
            bounds=[*((0.0, n) for n in sizes), (0.0, 1.0)],
            method="highs",
        )
        assert solved.status == 0, solved.message
        if -solved.fun > 1 - 1e-9:
            fixed[free] = 1.0
        else:
            fixed[free & (-sizes * solved.ineqlin.marginals[:types] > 1e-7)] = -solved.fun
    return fixed


def random_problem(seed: int, raters: int, size: int, attributes: int, categories: int, slip: int = 0) -> PanelProblem:
    """A skewed random pool whose quotas are met by at least one random panel, give or take `slip`."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.choice(categories, size=raters, p=rng.dirichlet(np.full(categories, 3.0))) for _ in range(attributes)
    ]
    people = list(zip(*(column.tolist() for column in columns), strict=True))
    types = sorted(set(people))
    panel = [people[i] for i in rng.permutation(raters)[:size]]
    rows = []
    for a, c in itertools.product(range(attributes), range(categories)):
        members = tuple(t for t, values in enumerate(types) if values[a] == c)
        wanted = sum(values[a] == c for values in panel)
        if members:
            rows.append(QuotaConstraint(f"a{a}", f"c{c}", max(0, wanted - slip), wanted + slip, members))
    return PanelProblem(size, tuple(people.count(values) for values in types), tuple(rows))
