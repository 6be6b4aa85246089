"""Quotas: a wrong bound makes panels unrepresentative, or a feasible panel impossible."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sortition_pools import attribute, bounds_of, pool_of

from core.errors import InputError
from core.events import QuotaRow
from core.facts.sortition.quotas import quota_bounds
from core.sortition.quotas.quotas import empty_categories, quotas_for, warnings
from core.types import Pool


def bounds(target: Decimal, size: int, tolerance: Decimal) -> tuple[int, int]:
    return quota_bounds(Fraction(target), size, Fraction(tolerance), slack=False)


def test_bounds_of_the_us_panel() -> None:
    """k = 145, τ = 0.1, worked by hand: 0.23·145 = 33.35, minus and plus a tenth 30.015 and 36.685."""
    tenth = Decimal("0.1")
    assert bounds(Decimal("0.23"), 145, tenth) == (30, 37)
    assert bounds(Decimal("0.60"), 145, tenth) == (78, 96)
    assert bounds(Decimal("0.005"), 145, tenth) == (0, 1)
    assert bounds(Decimal("0.02"), 145, tenth) == (2, 4)


def test_bounds_are_exact_where_floats_are_not() -> None:
    """0.5·100·1.1 is exactly 55; in floats its ceiling is 56."""
    assert math.ceil(0.5 * 100 * 1.1) == 56
    assert bounds(Decimal("0.5"), 100, Decimal("0.1")) == (45, 55)


def test_zero_tolerance_gives_the_two_neighbouring_integers() -> None:
    assert bounds(Decimal("0.25"), 10, Decimal("0")) == (2, 3)
    assert bounds(Decimal("0.5"), 10, Decimal("0")) == (5, 5)


@given(st.decimals(0, 1, places=4), st.integers(1, 2000), st.decimals(0, 3, places=3))
def test_bounds_are_the_nearest_integers_outside_the_interval(p: Decimal, size: int, tolerance: Decimal) -> None:
    lower, upper = bounds(p, size, tolerance)
    low, high = (Fraction(p) * size * (1 + sign * Fraction(tolerance)) for sign in (-1, 1))
    assert 0 <= lower <= upper <= size
    assert lower <= max(low, 0) < lower + 1
    assert upper == size or upper - 1 < high <= upper


def test_slack_category_is_unbounded_and_counts_are_recorded() -> None:
    pool = pool_of(["age"], [["old"], ["young"], ["young"], ["unsaid"]])
    targets = attribute("age", {"old": "0.5", "young": "0.4", "unsaid": "0.05", "other": "0.05"}, slack=["unsaid"])
    quotas = {q.category: q for q in quotas_for([targets], pool, 2, Decimal("0"))}
    assert (quotas["unsaid"].lower, quotas["unsaid"].upper, quotas["unsaid"].slack) == (0, 2, True)
    assert (quotas["young"].lower, quotas["young"].upper, quotas["young"].in_pool) == (0, 1, 2)
    assert [q.category for q in empty_categories(list(quotas.values()))] == ["other"]


def test_category_without_target_is_refused_by_name() -> None:
    pool = pool_of(["age"], [["old"], ["ancient"]])
    with pytest.raises(InputError, match="'age' has no target for category 'ancient', which 1 raters"):
        quotas_for([attribute("age", {"old": "1"})], pool, 1, Decimal("0.1"))


def test_pool_of_other_attributes_is_refused() -> None:
    pool = pool_of(["gender"], [["f"]])
    with pytest.raises(InputError, match="the pool has the attributes gender, but population.attributes are age"):
        quotas_for([attribute("age", {"old": "1"})], pool, 1, Decimal("0.1"))


def pool_with(*bounds_: tuple[str, int, int]) -> Pool:
    """A pool of three people that came with quotas for their age."""
    pool = pool_of(["age"], [["old"], ["young"], ["young"]])
    return replace(pool, bounds=tuple(bounds_of("age", c, lower, upper) for c, lower, upper in bounds_))


def test_quotas_that_came_with_the_pool_are_taken_as_they_are() -> None:
    quotas = quotas_for((), pool_with(("young", 1, 200), ("old", 0, 1), ("ancient", 0, 0)), 2, Decimal("0.5"))
    assert quotas == (
        QuotaRow(attribute="age", category="young", lower=1, upper=2, slack=False, in_pool=2),
        QuotaRow(attribute="age", category="old", lower=0, upper=1, slack=False, in_pool=1),
        QuotaRow(attribute="age", category="ancient", lower=0, upper=0, slack=False, in_pool=0),
    )


def test_a_lower_bound_above_the_panel_stays_impossible() -> None:
    """Cut to k it would turn 'at least 15 women' into a panel of women alone, without a word."""
    (quota,) = quotas_for((), pool_with(("young", 15, 20)), 2, Decimal("0"))
    assert (quota.lower, quota.upper) == (15, 2)


def test_warnings_name_categories_that_nobody_has() -> None:
    targets = attribute("age", {"old": "0.5", "young": "0.3", "other": "0.1", "none": "0.1", "zero": "0"}, ["none"])
    pool = pool_of(["age"], [["old"], ["young"]])
    assert warnings(quotas_for([targets], pool, 20, Decimal("0.1"))) == (
        "age 'other': nobody in the pool has it, but the quota wants at least 1; no panel can meet it",
        "age 'none': nobody in the pool has it, but its target is 0.1; panels go without",
    )
    assert warnings(quotas_for((), pool_with(("young", 0, 2), ("ancient", 0, 3)), 2, Decimal("0"))) == ()
