"""Panel sizes: whoever plans an assembly must learn which sizes their quotas admit, one by one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from brute_leximin import compositions
from sortition_pools import attribute, bounds_of, pool_of

from core.errors import InfeasibleQuotas
from core.sections.who_is_drawn import LotterySection
from core.sortition.quotas import sizes
from core.sortition.quotas.conflicts import require_panel
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from core.sortition.quotas.sizes import SizeAnswer, explained, feasible_sizes, problems_of, ranges
from core.types import Pool

THIRDS = attribute("third", {"a": "0.333", "b": "0.333", "c": "0.334"})
HALVES = attribute("half", {"x": "0.5", "y": "0.5"})
POOL = pool_of(["third", "half"], [[t, h] for t in "abc" for h in "xy" for _ in range(4)])


def section(size: int, tolerance: str = "0") -> LotterySection:
    return LotterySection(name="main", size=size, tolerance=Decimal(tolerance))


def refused(pool: Pool, size: int, attributes: tuple = ()) -> InfeasibleQuotas:
    made = section(size)
    with pytest.raises(InfeasibleQuotas) as caught:
        require_panel(problems_of(pool, attributes, made.tolerance)(size))
    return explained(caught.value, made, pool, attributes)


def test_feasibility_is_not_monotone_and_every_size_is_asked() -> None:
    """Half the panel from one type where the size is even, more than there are where it is odd."""
    rows = (QuotaConstraint("even", "yes", 0, 0, (2,)),)

    def problem(size: int) -> PanelProblem:
        half = QuotaConstraint("g", "w", size // 2 if size % 2 == 0 else 9, 9, (0,))
        return PanelProblem(size, (5, 5, 3), (*rows, half))

    answers = feasible_sizes(range(1, 9), problem)
    assert [a.size for a in answers if a.feasible] == [2, 4, 6, 8]
    assert answers[0] == SizeAnswer(1, False, "g 'w' at least 9, but the pool has 5")


@pytest.mark.parametrize("seed", range(15))
def test_answers_agree_with_every_panel_written_down(seed: int) -> None:
    rng = np.random.default_rng(seed)
    types = tuple(int(n) for n in rng.integers(1, 3, 6))
    rows = []
    for q in range(5):
        members = tuple(int(t) for t in np.flatnonzero(rng.random(6) < 0.5)) or (0,)
        lower = int(rng.integers(0, 3))
        rows.append(QuotaConstraint(f"attribute{q}", "c", lower, lower + int(rng.integers(0, 2)), members))

    def problem(size: int) -> PanelProblem:
        return PanelProblem(size, types, tuple(rows))

    answers = feasible_sizes(range(1, 9), problem)
    assert [a.feasible for a in answers] == [
        a.size <= sum(types) and bool(compositions(problem(a.size))) for a in answers
    ]
    assert all(bool(a.reason) != a.feasible for a in answers)


def test_quotas_from_targets_are_made_anew_for_each_size() -> None:
    """Thirds of 4 are 1 or 2 each; with exact halves both exist only for sizes whose rounding meets."""
    answers = feasible_sizes((3, 4, 6, 24, 25), problems_of(POOL, (THIRDS, HALVES), Decimal("0")))
    assert [(a.size, a.feasible) for a in answers] == [(3, True), (4, True), (6, True), (24, True), (25, False)]
    assert answers[-1].reason == "the pool has 24 people"


@pytest.mark.parametrize(
    ("bounds", "size", "reason"),
    [
        ((("a", 3, 9), ("b", 3, 9), ("c", 0, 9)), 5, "the quotas of third ask for at least 6"),
        ((("a", 0, 2), ("b", 0, 2), ("c", 0, 1)), 6, "the quotas of third leave room for 5"),
        ((("a", 0, 20), ("b", 0, 2), ("c", 0, 1)), 12, "the quotas of third leave room for 11"),
        ((("a", 9, 9), ("b", 0, 9), ("c", 0, 9)), 9, "third 'a' at least 9, but the pool has 8"),
    ],
)
def test_reasons_that_counting_shows(bounds: tuple[tuple[str, int, int], ...], size: int, reason: str) -> None:
    pool = replace(POOL, bounds=tuple(bounds_of("third", c, low, high) for c, low, high in bounds))
    (answer,) = feasible_sizes((size,), problems_of(pool, (), Decimal("0")))
    assert answer == SizeAnswer(size, False, reason)


def test_a_conflict_across_attributes_is_a_reason_of_its_own() -> None:
    pool = pool_of(["age", "gender"], [["old", "m"]] * 4 + [["young", "w"]] * 4)
    bounds = (("age", "old", 2, 3), ("age", "young", 0, 3), ("gender", "w", 2, 3), ("gender", "m", 0, 3))
    pool = replace(pool, bounds=tuple(bounds_of(*b) for b in bounds))
    answers = feasible_sizes((3, 4), problems_of(pool, (), Decimal("0")))
    assert answers == (SizeAnswer(3, False, "quotas of several attributes conflict"), SizeAnswer(4, True))


def test_seats_that_are_taken_count_in_the_size() -> None:
    pool = replace(POOL, seated=2, bounds=(bounds_of("third", "a", 0, 2), bounds_of("third", "b", 0, 1)))
    answers = feasible_sizes((2, 3, 13, 14), problems_of(pool, (), Decimal("0")))
    assert answers[0] == SizeAnswer(2, False, "all seats are taken")
    assert [a.feasible for a in answers[1:]] == [True, True, False]
    assert answers[3].reason == "the quotas of third leave room for 11"


def test_an_error_names_the_nearest_sizes() -> None:
    bounds = (
        bounds_of("third", "a", 0, 2),
        bounds_of("third", "b", 0, 2),
        bounds_of("third", "c", 0, 2),
    )
    error = refused(replace(POOL, bounds=bounds), 8)
    assert str(error).startswith("lottery 'main': No panel of 8 meets the quotas.")
    assert str(error).endswith("\n  Or choose another size: panels of 4, 5 and 6 exist.")
    assert error.details["feasible_sizes"] == [4, 5, 6]
    assert error.details["lottery"] == "main"
    assert str(error).count("\n") <= 7


def test_an_error_without_a_size_nearby_says_so_and_what_targets_allow() -> None:
    pool = pool_of(["half"], [["x"]] * 40)
    error = refused(pool, 20, (HALVES,))
    assert "No other panel size from 10 to 30 is possible either." in str(error)
    assert str(error).endswith("Or raise the tolerance, or make a category slack.")
    assert (error.details["feasible_sizes"], error.details["undecided_sizes"]) == ([], [])


def test_an_error_says_how_many_seats_are_taken() -> None:
    pool = replace(POOL, seated=3, bounds=(bounds_of("third", "a", 9, 9),))
    made = section(12)
    with pytest.raises(InfeasibleQuotas) as caught:
        require_panel(problems_of(pool, (), made.tolerance)(12))
    error = explained(caught.value, made, pool, ())
    assert "3 of the 12 seats are taken by people who accepted." in str(error)
    assert (error.details["size"], error.details["seated"]) == (12, 3)


def test_sizes_that_were_not_tried_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "EXTRA_SECONDS", -1.0)
    bounds = tuple(bounds_of("third", c, 0, 2) for c in "abc")
    error = refused(replace(POOL, bounds=bounds), 8)
    assert "No feasible panel size was found nearby. Not decided for want of time: 1–7, 9–18." in str(error)
    assert error.details["undecided_sizes"] == [*range(1, 8), *range(9, 19)]


def test_a_search_without_time_leaves_the_size_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A market-split instance: twelve equations over 60 people, which presolve cannot decide."""
    rng = np.random.default_rng(0)
    rows = []
    for q in range(12):
        members = tuple(int(t) for t in np.flatnonzero(rng.random(60) < 0.5))
        rows.append(QuotaConstraint(f"q{q}", "c", 15, 15, members))
    monkeypatch.setattr(sizes, "SIZE_SECONDS", 0.0)
    (answer,) = feasible_sizes((30,), lambda size: PanelProblem(size, (1,) * 60, tuple(rows)))
    assert answer == SizeAnswer(30, None, "not decided within 0 s")


@pytest.mark.parametrize(
    ("given", "text"),
    [([], ""), ([3], "3"), ([3, 4], "3–4"), ([1, 3, 4, 5, 9], "1, 3–5, 9")],
)
def test_ranges(given: list[int], text: str) -> None:
    assert ranges(given) == text
