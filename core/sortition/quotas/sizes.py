"""Which panel sizes are feasible: one integer programme for each.

Quotas from proportions change with the panel size, and rounding makes them tighter and looser in
turn, so feasibility is not monotone: a pool may have panels of 149 and of 152, and none of 150. So
every size is its own question, and nothing is searched by halving.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from core.errors import InfeasibleQuotas
from core.sections.who_is_drawn import Attribute, LotterySection
from core.sortition.panels import BestComposition
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint, problem_for
from core.sortition.quotas.quotas import label, named, quotas_for
from core.sortition.solver import SolverError
from core.types import Pool

ProblemOfSize = Callable[[int], PanelProblem]
"""The panels of a size: X with the quotas that hold for it."""

NEARBY = 10
"""How far from a panel size that is infeasible others are looked for."""

OFFERED = 3
"""How many feasible sizes an error names."""

EXTRA_SECONDS = 5.0
"""How long an error may look for them."""

SIZE_SECONDS = 10.0
"""How long one size is searched before it is left open."""


@dataclass(frozen=True)
class SizeAnswer:
    """Whether panels of a size exist; None where the search was given up. reason says why not, or why unknown."""

    size: int
    feasible: bool | None
    reason: str = ""


def problems_of(pool: Pool, attributes: Sequence[Attribute], tolerance: Decimal) -> ProblemOfSize:
    """X for each size of the whole panel; people who are seated already have their seats in it."""

    def problem(size: int) -> PanelProblem:
        seats = size - pool.seated
        return problem_for(pool, quotas_for(attributes, pool, seats, tolerance), seats)

    return problem


def feasible_sizes(
    sizes: Iterable[int],
    problem_of_size: ProblemOfSize,
    tell: Callable[[int], None] = lambda done: None,
) -> tuple[SizeAnswer, ...]:
    """For each size whether a panel exists, or why not, in their order; tell gets the number of sizes done."""
    answers = []
    for size in sizes:
        answers.append(_answer(size, problem_of_size(size), SIZE_SECONDS))
        tell(len(answers))
    return tuple(answers)


def _answer(size: int, problem: PanelProblem, seconds: float) -> SizeAnswer:
    reason = _plain_reason(problem)
    if reason:
        return SizeAnswer(size, False, reason)
    search = BestComposition(problem)
    search.solver.limit_time(seconds)
    try:
        found = search.best(np.zeros(problem.types))
    except SolverError:
        return SizeAnswer(size, None, f"not decided within {seconds:.0f} s")
    return SizeAnswer(size, True) if found else SizeAnswer(size, False, "quotas of several attributes conflict")


def _plain_reason(problem: PanelProblem) -> str:
    """Why there is no panel, where counting is enough to see it; else nothing."""
    if problem.size < 1:
        return "all seats are taken"
    people = sum(problem.type_sizes)
    if people < problem.size:
        return f"the pool has {people} people"
    for r, row in enumerate(problem.rows):
        if row.lower > problem.in_pool(r):
            return f"{label(row.attribute, row.category)} at least {row.lower}, but the pool has {problem.in_pool(r)}"
    for attribute in dict.fromkeys(row.attribute for row in problem.rows):
        rows = [row for row in problem.rows if row.attribute == attribute]
        least, most = sum(row.lower for row in rows), _room(problem, rows)
        if least > problem.size:
            return f"the quotas of {named(attribute)} ask for at least {least}"
        if most < problem.size:
            return f"the quotas of {named(attribute)} leave room for {most}"
    return ""


def _room(problem: PanelProblem, rows: Sequence[QuotaConstraint]) -> int:
    """The most members that the categories of one attribute admit."""
    covered = {t for row in rows for t in row.types}
    others = sum(n for t, n in enumerate(problem.type_sizes) if t not in covered)
    return others + sum(min(row.upper, sum(problem.type_sizes[t] for t in row.types)) for row in rows)


# ---------------------------------------------------------------- in an error


def explained(
    error: InfeasibleQuotas, section: LotterySection, pool: Pool, attributes: Sequence[Attribute]
) -> InfeasibleQuotas:
    """The error of `conflicts.require_panel` for a lottery, with the other sizes and softer quotas that would help."""
    found, unknown = _nearby(section.size, problems_of(pool, attributes, section.tolerance))
    lines = [f"lottery {section.name!r}: {error}"]
    if pool.seated:
        lines.append(f"{pool.seated} of the {section.size} seats are taken by people who accepted.")
    lines.append(_offer(section.size, found, unknown))
    if not pool.bounds:
        lines.append("Or raise the tolerance, or make a category slack.")
    details = {"lottery": section.name, **error.details, "size": section.size, "seated": pool.seated}
    return InfeasibleQuotas("\n  ".join(lines), details | {"feasible_sizes": found, "undecided_sizes": unknown})


def _nearby(size: int, problem_of_size: ProblemOfSize) -> tuple[list[int], list[int]]:
    """The feasible sizes nearest to a size, and those left open because time ran out; both increasing."""
    until = time.monotonic() + EXTRA_SECONDS
    found: list[int] = []
    unknown: list[int] = []
    for near in _outwards(size):
        left = until - time.monotonic()
        answer = _answer(near, problem_of_size(near), left) if left > 0 else SizeAnswer(near, None)
        if answer.feasible:
            found.append(near)
        elif answer.feasible is None:
            unknown.append(near)
        if len(found) == OFFERED:
            break
    return sorted(found), sorted(unknown)


def _outwards(size: int) -> Iterable[int]:
    for step in range(1, NEARBY + 1):
        if size > step:
            yield size - step
        yield size + step


def _offer(size: int, found: Sequence[int], unknown: Sequence[int]) -> str:
    more = f" Not decided for want of time: {ranges(unknown)}." if unknown else ""
    if found:
        return f"Or choose another size: panels of {_listed(found)} exist.{more}"
    if unknown:
        return f"No feasible panel size was found nearby.{more}"
    return f"No other panel size from {max(1, size - NEARBY)} to {size + NEARBY} is possible either."


def _listed(sizes: Sequence[int]) -> str:
    *others, last = map(str, sizes)
    return f"{', '.join(others)} and {last}" if others else last


def ranges(sizes: Iterable[int]) -> str:
    """Numbers in increasing order as ranges, such as `145–149, 152`."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and size == runs[-1][-1] + 1:
            runs[-1].append(size)
        else:
            runs.append([size])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
