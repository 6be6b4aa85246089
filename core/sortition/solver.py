"""From a Pyomo model to HiGHS and back, without touching the process's file descriptors.

Pyomo's own HiGHS interfaces redirect file descriptors 1 and 2 around every solve. In an engine that
runs detached with closed streams, descriptor 1 may be anything, the audit log included. So models
are written in Pyomo, compiled to a matrix by Pyomo's standard-form compiler, and handed to highspy
as they are. The compiled model stays in the solver, so that a re-solve after a change of objective
or bounds starts from the last basis.

Every solver here runs on one thread with a fixed seed: a redone unit finds the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DempoError

TOLERANCE = 1e-10
"""Primal, dual and integrality tolerance of every solve (the smallest that HiGHS takes).
With 1e-9 on fixed probabilities Σπ drifts by 8e-7 over the stages of LEXIMIN."""

INFINITY = float("inf")


class SolverError(DempoError):
    """HiGHS ended in a state that proves nothing."""


def versions() -> dict[str, str]:
    """Names and versions of what solves, for the record."""
    import highspy
    import pyomo.version

    return {"pyomo": pyomo.version.version, "highs": highspy.Highs().version()}


@dataclass(frozen=True)
class LinearSolution:
    """Optimum of a linear programme; dual[r] is ∂objective/∂right-hand side of row r."""

    x: NDArray[np.float64]
    dual: NDArray[np.float64]


@dataclass(frozen=True)
class IntegerSolution:
    """Best solution found, and a bound that no solution beats (equal up to tolerances at optimality)."""

    bound: float
    x: NDArray[np.int64]


class Highs:
    """A linear model held by HiGHS; columns and rows are addressed by position.

    Integer programmes are solved to optimality, unless `accept_gap` says otherwise.
    """

    def __init__(self) -> None:
        import highspy

        self._api = highspy
        self.highs = highspy.Highs()
        options: dict[str, Any] = {
            "output_flag": False,
            "log_to_console": False,
            "threads": 1,
            "parallel": "off",
            "random_seed": 0,
            "primal_feasibility_tolerance": TOLERANCE,
            "dual_feasibility_tolerance": TOLERANCE,
            "mip_feasibility_tolerance": TOLERANCE,
            "mip_rel_gap": 0.0,
            "mip_abs_gap": 1e-9,
        }
        for name, value in options.items():
            if self.highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise SolverError(f"HiGHS {self.highs.version()} does not take the option {name} = {value}")

    def maximise(self) -> None:
        """Switches to maximisation."""
        self.highs.changeObjectiveSense(self._api.ObjSense.kMaximize)

    def keep_primal(self) -> None:
        """Linear programmes go on from the last solution by the primal simplex method: for changes that leave it
        feasible, such as those between the stages of LEXIMIN."""
        self.highs.setOptionValue("simplex_strategy", 4)

    def add_columns(
        self,
        cost: Sequence[float],
        lower: Sequence[float],
        upper: Sequence[float],
        integer: Sequence[bool] | None = None,
    ) -> None:
        """Adds variables that are in no row yet."""
        first = int(self.highs.getNumCol())
        count = len(cost)
        self.highs.addVars(count, np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64))
        places = np.arange(first, first + count, dtype=np.int32)
        self.highs.changeColsCost(count, places, np.asarray(cost, dtype=np.float64))
        if integer is not None and any(integer):
            kinds = np.array([int(i) for i in integer], dtype=np.uint8)
            self.highs.changeColsIntegrality(count, places, kinds)

    def add_column(self, cost: float, lower: float, upper: float, entries: Mapping[int, float]) -> None:
        """Adds one variable with its coefficients by row."""
        rows = np.array(list(entries), dtype=np.int32)
        values = np.array(list(entries.values()), dtype=np.float64)
        self.highs.addCol(cost, lower, upper, len(rows), rows, values)

    def add_row(self, lower: float, upper: float, entries: Mapping[int, float]) -> None:
        """Adds one constraint with its coefficients by column."""
        columns = np.array(list(entries), dtype=np.int32)
        values = np.array(list(entries.values()), dtype=np.float64)
        self.highs.addRow(lower, upper, len(columns), columns, values)

    def limit_time(self, seconds: float) -> None:
        """Ends a solve after so long, with a SolverError: for questions that may stay open."""
        self.highs.setOptionValue("time_limit", seconds)

    def accept_gap(self, relative: float) -> None:
        """Ends integer programmes this near to the optimum: for searches that prove nothing."""
        self.highs.setOptionValue("mip_rel_gap", relative)

    def forget(self) -> None:
        """Drops basis and last solution, so that the next answer depends on the model alone."""
        self.highs.clearSolver()

    def set_costs(self, cost: NDArray[np.float64], first: int = 0) -> None:
        """Replaces the objective of the columns from `first` on."""
        places = np.arange(first, first + len(cost), dtype=np.int32)
        self.highs.changeColsCost(len(cost), places, np.asarray(cost, dtype=np.float64))

    def set_column_bounds(self, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Replaces the bounds of the first columns."""
        places = np.arange(len(lower), dtype=np.int32)
        self.highs.changeColsBounds(
            len(lower), places, np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
        )

    def set_row_bounds(self, row: int, lower: float, upper: float) -> None:
        """Replaces the bounds of one row."""
        self.highs.changeRowBounds(row, lower, upper)

    def set_coefficient(self, row: int, column: int, value: float) -> None:
        """Replaces one entry of the matrix."""
        self.highs.changeCoeff(row, column, value)

    def solve_linear(self) -> LinearSolution | None:
        """The optimum with duals, or None where the model is infeasible.

        Raises:
            SolverError: neither was proved.
        """
        status = self._run()
        if status == self._api.HighsModelStatus.kInfeasible:
            return None
        if status != self._api.HighsModelStatus.kOptimal:
            status = self._retry()
            if status == self._api.HighsModelStatus.kInfeasible:
                return None
        self._require_optimal(status)
        solution = self.highs.getSolution()
        return LinearSolution(np.array(solution.col_value), np.array(solution.row_dual))

    def solve_integer(self) -> IntegerSolution | None:
        """The optimum rounded to integers with its bound, or None where the model is infeasible.

        The caller checks the rounded vector in integers; tolerances are not trusted.

        Raises:
            SolverError: neither was proved.
        """
        status = self._run()
        if status == self._api.HighsModelStatus.kInfeasible:
            return None
        self._require_optimal(status)
        values = np.rint(np.array(self.highs.getSolution().col_value)).astype(np.int64)
        return IntegerSolution(float(self.highs.getInfo().mip_dual_bound), values)

    def _run(self) -> Any:
        if self.highs.run() == self._api.HighsStatus.kError:
            # Something else in this process may have started HiGHS's scheduler with more threads.
            self._api.Highs.resetGlobalScheduler(True)
            self.highs.run()
        return self.highs.getModelStatus()

    def _retry(self) -> Any:
        """A second start from scratch: a warm basis can leave a linear programme unresolved at 1e-10."""
        self.highs.clearSolver()
        return self._run()

    def _require_optimal(self, status: Any) -> None:
        if status != self._api.HighsModelStatus.kOptimal:
            raise SolverError(
                f"HiGHS ended with {self.highs.modelStatusToString(status)!r} instead of an optimum or a proof that "
                "there is none; nothing was recorded for this lottery"
            )


def compile_model(model: Any, columns: Sequence[Any]) -> tuple[Highs, dict[str, int]]:
    """Hands a Pyomo model to HiGHS: the solver with its columns in the given order, and rows by name.

    Every constraint must be one-sided or an equality, and be named by its component.
    """
    from pyomo.environ import Constraint, Objective, maximize
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=None, column_order=list(columns))
    place = {id(variable): i for i, variable in enumerate(form.columns)}
    if [place.get(id(variable)) for variable in columns] != list(range(len(columns))):
        raise ValueError("every variable of the model must be listed in `columns` and appear in a constraint")
    integer = [not variable.is_continuous() for variable in columns]
    solver = Highs()
    solver.add_columns(
        np.asarray(form.c.todense(), dtype=np.float64).reshape(-1).tolist(),
        [_bound(variable.lb, -INFINITY) for variable in columns],
        [_bound(variable.ub, INFINITY) for variable in columns],
        integer,
    )
    matrix = form.A.tocsr()
    for r, (entry, rhs) in enumerate(zip(form.rows, form.rhs, strict=True)):
        start, end = matrix.indptr[r], matrix.indptr[r + 1]
        entries = dict(zip(matrix.indices[start:end].tolist(), matrix.data[start:end].tolist(), strict=True))
        lower = -INFINITY if entry.bound_type > 0 else float(rhs)
        upper = INFINITY if entry.bound_type < 0 else float(rhs)
        solver.add_row(lower, upper, entries)
    names = {entry.constraint.name: r for r, entry in enumerate(form.rows)}
    if len(names) != sum(1 for _ in model.component_data_objects(Constraint, active=True)):
        raise ValueError("write a range as two constraints, so that each bound has a dual of its own")
    if any(o.sense == maximize for o in model.component_data_objects(Objective, active=True)):
        solver.maximise()
    return solver, names


def _bound(value: float | None, default: float) -> float:
    return default if value is None else float(value)
