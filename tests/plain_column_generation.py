"""A third way to LEXIMIN for tests: textbook column generation on SciPy, no code of the engine's but its problem.

Pools whose panels are too many to write down can be checked with it. It is slow and simple: stage by
stage the master programme over the panels found so far, priced by an integer programme.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from core.sortition.quotas.problem import PanelProblem


def plain_leximin(problem: PanelProblem) -> np.ndarray:
    """π per type of the LEXIMIN optimum, shape (T,)."""
    sizes = np.array(problem.type_sizes, dtype=float)
    panels = [_best(problem, np.zeros(problem.types))]
    fixed = np.full(problem.types, np.nan)
    while np.isnan(fixed).any():
        z, dual = _stage(problem, panels, fixed)
        if z > 1 - 1e-9:
            fixed[np.isnan(fixed)] = 1.0
        fixed[np.isnan(fixed) & (sizes * dual > 1e-6)] = z
    return fixed


def _stage(problem: PanelProblem, panels: list[np.ndarray], fixed: np.ndarray) -> tuple[float, np.ndarray]:
    """The level over all panels, and the duals of the types; panels that are missing are added."""
    sizes, free = np.array(problem.type_sizes, dtype=float), np.isnan(fixed)
    while True:
        count = len(panels)
        solved = linprog(
            np.append(np.zeros(count), -1.0),
            A_ub=np.column_stack([-np.array(panels, dtype=float).T, np.where(free, sizes, 0.0)]),
            b_ub=np.where(free, 0.0, -sizes * np.nan_to_num(fixed) + 1e-10),
            A_eq=[np.append(np.ones(count), 0.0)],
            b_eq=[1.0],
            bounds=[(0, None)] * count + [(0, 1)],
            method="highs",
        )
        assert solved.status == 0, solved.message
        dual = -solved.ineqlin.marginals
        panel = _best(problem, dual)
        # Reduced cost of the panel: its worth above what the worst panel of the mixture is worth.
        if float(dual @ panel) <= -float(solved.eqlin.marginals[0]) + 1e-9 or any((panel == p).all() for p in panels):
            return -float(solved.fun), dual
        panels.append(panel)


def _best(problem: PanelProblem, worth: np.ndarray) -> np.ndarray:
    """A panel within the quotas of greatest worth, shape (T,)."""
    types = problem.types
    rows = np.array([np.ones(types), *([float(t in row.types) for t in range(types)] for row in problem.rows)])
    lower = [problem.size, *(row.lower for row in problem.rows)]
    upper = [problem.size, *(row.upper for row in problem.rows)]
    solved = milp(
        -worth,
        integrality=np.ones(types),
        bounds=Bounds(0, np.array(problem.type_sizes)),
        constraints=LinearConstraint(rows, lower, upper),
        options={"mip_rel_gap": 0},
    )
    assert solved.status == 0, solved.message
    return np.rint(solved.x)
