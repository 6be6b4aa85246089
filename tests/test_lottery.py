"""The exact lottery: probabilities that don't sum to one, or panels outside the quotas, cannot be audited."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import VerificationFailed
from core.sortition.lottery import exact_weights, lottery_of, uniform_lottery
from core.sortition.quotas.problem import PanelProblem, QuotaConstraint
from core.types import LOTTERY_DENOMINATOR

PROBLEM = PanelProblem(2, (1, 2), (QuotaConstraint("g", "w", 0, 1, (0,)),))


def test_thirds_by_largest_remainder() -> None:
    """10 = 4 + 3 + 3: equal remainders go to the earlier weight."""
    assert exact_weights([Fraction(1, 3)] * 3, 10) == [4, 3, 3]
    assert exact_weights([Fraction(5, 100), Fraction(24, 100), Fraction(71, 100)], 10) == [1, 2, 7]


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=50).filter(lambda w: sum(w) > 1e-6))
def test_numerators_sum_exactly_and_stay_within_one(weights: list[float]) -> None:
    fractions = [Fraction(w) for w in weights]
    numerators = exact_weights(fractions)
    assert sum(numerators) == LOTTERY_DENOMINATOR
    total = sum(fractions)
    assert all(abs(m - w * LOTTERY_DENOMINATOR / total) < 1 for m, w in zip(numerators, fractions, strict=True))


def test_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        exact_weights([Fraction(2), Fraction(-1)])


def test_weight_that_rounds_to_zero_leaves_its_panel_out() -> None:
    made = lottery_of("x", PROBLEM, [(1, 1), (0, 2)], [Fraction(1), Fraction(1, 2**60)])
    assert made.panels == ((1, 1),)
    assert made.numerators == (LOTTERY_DENOMINATOR,)


def test_inclusion_probabilities_are_exact() -> None:
    made = lottery_of("x", PROBLEM, [(1, 1), (0, 2)], [Fraction(1, 4), Fraction(3, 4)])
    assert made.inclusion_by_type() == (Fraction(1, 4), Fraction(7, 8))


def test_panel_outside_the_quotas_is_a_failure() -> None:
    problem = PanelProblem(2, (1, 2), (QuotaConstraint("g", "w", 1, 1, (0,)),))
    with pytest.raises(VerificationFailed, match="panel 0 of lottery 'x' breaks the quotas: it has 0 members of g: w"):
        lottery_of("x", problem, [(0, 2)], [Fraction(1)])


def test_uniform_lottery_names_its_members() -> None:
    problem = PanelProblem(2, (2, 2), (QuotaConstraint("g", "w", 1, 1, (0,)),))
    made = uniform_lottery("u", problem, [(1, 1)] * 3, [(0, 2), (1, 3), (0, 3)])
    assert made.inclusion((0, 0, 1, 1)) == (Fraction(2, 3), Fraction(1, 3), Fraction(1, 3), Fraction(2, 3))
    assert made.inclusion_by_type() == (Fraction(1, 2), Fraction(1, 2))
    with pytest.raises(VerificationFailed, match="panel 1 of lottery 'u' breaks the quotas"):
        uniform_lottery("u", problem, [(1, 1), (2, 0)], [(0, 2), (0, 1)])
