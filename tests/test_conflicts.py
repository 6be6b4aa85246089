"""Infeasible quotas: whoever set them must learn which ones to change."""

from __future__ import annotations

import time

import numpy as np
import pytest
from brute_leximin import compositions

from core.errors import InfeasibleQuotas
from core.sortition.quotas.conflicts import Bound, _Elastic, require_panel
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint


def row(attribute: str, category: str, lower: int, upper: int, *types: int) -> QuotaConstraint:
    return QuotaConstraint(attribute, category, lower, upper, types)


def refused(problem: PanelProblem) -> InfeasibleQuotas:
    with pytest.raises(InfeasibleQuotas) as caught:
        require_panel(problem)
    assert caught.value.exit_code == 3
    return caught.value


def message(problem: PanelProblem) -> str:
    return str(refused(problem))


def test_feasible_quotas_give_a_panel() -> None:
    problem = PanelProblem(2, (1, 2), (row("g", "w", 1, 1, 0),))
    assert require_panel(problem) == (1, 1)


def test_pool_smaller_than_the_panel() -> None:
    assert message(PanelProblem(4, (1, 2), ())).startswith("No panel of 4 exists: the pool has 3 raters.")


def test_category_with_too_few_raters() -> None:
    text = message(PanelProblem(4, (2, 6), (row("age", "65+", 3, 4, 0), row("age", "young", 0, 3, 1))))
    assert "These conflict: age '65+' at least 3 (2 in the pool)." in text
    assert "The least change that admits a panel: age '65+' lower bound from 3 to 2." in text


def test_category_without_raters() -> None:
    text = message(PanelProblem(2, (3,), (row("age", "65+", 1, 1),)))
    assert "age '65+' at least 1 (0 in the pool)" in text
    assert "lower bound from 1 to 0" in text


def test_lower_bounds_that_exceed_the_panel() -> None:
    text = message(PanelProblem(3, (5, 5), (row("g", "w", 2, 3, 0), row("g", "m", 2, 3, 1))))
    assert "g 'w' at least 2 (5 in the pool); g 'm' at least 2 (5 in the pool). That asks for 4 people." in text


def test_upper_bounds_below_the_panel() -> None:
    text = message(PanelProblem(5, (5, 5), (row("g", "w", 0, 2, 0), row("g", "m", 0, 2, 1))))
    assert (
        "g 'w' at most 2 (5 in the pool); g 'm' at most 2 (5 in the pool). That leaves room for 4 people at most."
        in text
    )


def test_room_counts_people_outside_the_conflict_and_only_what_the_pool_has() -> None:
    """Men at most 2, women 2 in the pool: no bound of theirs is needed to see that 5 seats stay empty."""
    text = message(PanelProblem(5, (2, 5), (row("g", "w", 0, 9, 0), row("g", "m", 0, 2, 1))))
    assert "These conflict: g 'm' at most 2 (5 in the pool). That leaves room for 4 people at most." in text


def test_details_say_the_same_for_programs() -> None:
    error = refused(PanelProblem(3, (5, 5), (row("g", "w", 2, 3, 0), row("g", "m", 2, 3, 1))))
    w = {"attribute": "g", "category": "w", "side": "lower"}
    m = {"attribute": "g", "category": "m", "side": "lower"}
    assert error.details["size"] == 3
    assert error.details["conflict"] == [w | {"bound": 2, "in_pool": 5}, m | {"bound": 2, "in_pool": 5}]
    assert error.details["least_change"] in ([w | {"from": 2, "to": 1}], [m | {"from": 2, "to": 1}])
    assert error.details["single_changes"] == [w | {"from": 2, "to": 1}, m | {"from": 2, "to": 1}]
    assert "Each of these is enough alone: g 'w' lower bound from 2 to 1; g 'm' lower bound from 2 to 1." in str(error)


def test_two_conflicts_have_no_single_repair() -> None:
    rows = (row("g", "w", 2, 2, 0), row("g", "m", 2, 2, 1), row("h", "x", 2, 2, 0), row("h", "y", 2, 2, 1))
    error = refused(PanelProblem(3, (5, 5), rows))
    assert error.details["single_changes"] == []
    assert "No change of a single bound is enough." in str(error)


def test_a_long_conflict_is_cut_in_the_message_only() -> None:
    rows = tuple(row("g", str(t), 1, 9, t) for t in range(8))
    error = refused(PanelProblem(7, (2,) * 8, rows))
    assert len(error.details["conflict"]) == 8
    assert "g '5' at least 1 (2 in the pool); and 2 more." in str(error)
    assert str(error).count("\n") <= 7


def test_names_from_files_are_escaped() -> None:
    text = message(PanelProblem(1, (1,), (row("age\x1b[31m", "\u202e65+", 2, 3, 0),)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "'age\\x1b[31m' '\\u202e65+' at least 2" in text


def test_what_is_not_searched_for_want_of_time_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sortition.quotas.conflicts.EXTRA_SECONDS", -1.0)
    error = refused(PanelProblem(3, (5, 5), (row("g", "w", 2, 3, 0), row("g", "m", 2, 3, 1))))
    assert error.details["single_changes"] is None
    assert "was not searched to the end, for want of time" in str(error)


def test_conflict_across_attributes_names_nothing_else() -> None:
    """All the old are men; two old and two women don't fit into three seats. Region has nothing to do with it."""
    types = ("old m north", "young w north", "young w south", "young m south")
    rows = (
        row("age", "old", 2, 3, 0),
        row("gender", "w", 2, 3, 1, 2),
        row("region", "north", 1, 2, 0, 1),
        row("region", "south", 1, 2, 2, 3),
    )
    text = message(PanelProblem(3, (3,) * len(types), rows))
    conflict = text.partition("These conflict: ")[2].partition(".\n")[0]
    assert conflict == "age 'old' at least 2 (3 in the pool); gender 'w' at least 2 (6 in the pool)"


def test_conflict_that_only_integers_show() -> None:
    """Each of three features exactly once, but every rater who has one has two: halves would do, people don't."""
    rows = (row("f", "1", 1, 1, 0, 2), row("f", "2", 1, 1, 0, 1), row("f", "3", 1, 1, 1, 2))
    text = message(PanelProblem(2, (1, 1, 1, 1), rows))
    assert "These conflict: " in text


@pytest.mark.parametrize("seed", range(25))
def test_conflicts_are_irreducible_and_repairs_least(seed: int) -> None:
    """On random infeasible quotas, against every panel written down."""
    problem = _infeasible(seed)
    elastic = _Elastic(problem)
    conflict = elastic.conflict()
    assert not compositions(_with(problem, conflict))
    for bound in conflict:
        assert compositions(_with(problem, [other for other in conflict if other != bound]))
    least = min(_missed(problem, panel) for panel in compositions(_with(problem, [])))
    assert sum(change.by for change in elastic.repair()) == least > 0


@pytest.mark.parametrize("seed", range(25))
def test_single_changes_are_all_there_are_and_the_smallest(seed: int) -> None:
    """On random infeasible quotas, against every bound loosened by every number of members."""
    problem = _infeasible(seed)
    elastic = _Elastic(problem)
    found = elastic.singles(elastic.conflict(), time.monotonic() + 240)
    assert found is not None
    wanted = {}
    for bound in elastic.bounds:
        needed = [by for by in range(1, 9) if compositions(_loosened(problem, bound, by))]
        if needed:
            wanted[bound] = needed[0]
    assert {change.bound: change.by for change in found} == wanted


def _loosened(problem: PanelProblem, bound: Bound, by: int) -> PanelProblem:
    rows = list(problem.rows)
    r = rows[bound.row]
    less, more = (by, 0) if bound.side == "lower" else (0, by)
    rows[bound.row] = row(r.attribute, r.category, r.lower - less, r.upper + more, *r.types)
    return PanelProblem(problem.size, problem.type_sizes, tuple(rows))


def _infeasible(seed: int) -> PanelProblem:
    rng = np.random.default_rng(seed)
    while True:
        types = int(rng.integers(4, 8))
        sizes = tuple(int(n) for n in rng.integers(1, 3, types))
        rows = []
        for q in range(5):
            members = tuple(int(t) for t in np.flatnonzero(rng.random(types) < 0.5))
            lower = int(rng.integers(0, 4))
            rows.append(row("q", str(q), lower, lower + int(rng.integers(0, 2)), *members))
        problem = PanelProblem(min(4, sum(sizes)), sizes, tuple(rows))
        if not compositions(problem):
            return problem


def _with(problem: PanelProblem, bounds: list[Bound]) -> PanelProblem:
    """The problem with only these bounds."""
    rows = [
        row(
            r.attribute,
            r.category,
            r.lower if Bound(i, "lower") in bounds else 0,
            r.upper if Bound(i, "upper") in bounds else problem.size,
            *r.types,
        )
        for i, r in enumerate(problem.rows)
    ]
    return PanelProblem(problem.size, problem.type_sizes, tuple(rows))


def _missed(problem: PanelProblem, panel: tuple[int, ...]) -> int:
    """By how many members a panel misses the quotas, in all."""
    members = [sum(panel[t] for t in r.types) for r in problem.rows]
    return sum(max(0, r.lower - m) + max(0, m - r.upper) for m, r in zip(members, problem.rows, strict=True))
