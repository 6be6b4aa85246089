"""Measures of inequality against values worked by hand."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from core.events import as_float
from core.sortition.inequality import coefficient_of_variation, diagnosed, gini, max_min_ratio, without_chance
from core.types import LOTTERY_DENOMINATOR, Lottery, Quota


def test_gini() -> None:
    """Mean absolute difference over twice the mean; one rater with everything among four has 3/4."""
    assert gini([0.5, 0.5, 0.5]) == pytest.approx(0)
    assert gini([0, 0, 0, 1]) == pytest.approx(3 / 4)
    assert gini([4, 1, 3, 2]) == pytest.approx(1 / 4)


def test_gini_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        gini([0, 0])


def test_ratio_and_variation() -> None:
    assert max_min_ratio([0.1, 0.4]) == pytest.approx(4)
    assert math.isinf(max_min_ratio([0, 0.4]))
    assert coefficient_of_variation([1, 3]) == pytest.approx(1 / 2)


def test_raters_without_chance() -> None:
    assert without_chance([0.0, 0.5, 0.0]) == (0, 2)


def test_all_measures_of_a_lottery() -> None:
    """Two seats: one is the only woman's, the other goes to one of two old men; the young man has no chance."""
    quotas = (
        Quota("gender", "woman", None, 1, 1, False, 1),
        Quota("gender", "other", None, 0, 2, False, 0),
        Quota("age", "old", Decimal("0.5"), 1, 1, False, 2),
        Quota("age", "unknown", Decimal("0.1"), 0, 2, True, 0),
    )
    lottery = Lottery("main", 2, quotas, (1, 2, 1), ((1, 1, 0),), (LOTTERY_DENOMINATOR,))
    found = diagnosed(lottery, (1, 0, 2, 1))
    assert (found.raters, found.smallest, found.largest, found.equal) == (4, 0.0, 1.0, 0.5)
    assert found.gini == pytest.approx(6 / 16)  # Σ|π_i − π_j| over pairs is 3, times two, over 2·4·2
    assert math.isinf(as_float(found.max_min_ratio))
    assert found.coefficient_of_variation == pytest.approx(math.sqrt(1 / 8) / 0.5)
    assert (found.without_chance, found.without_chance_types, found.certain) == (1, [2], 1)
    assert found.empty_categories == ["age: unknown"]


def test_named_members_are_measured_one_by_one() -> None:
    """Two panels of one, both of the same type: its raters differ although they are of one type."""
    lottery = Lottery("m", 1, (), (3,), ((1,), (1,)), (1, 1), 2, ((0,), (2,)))
    found = diagnosed(lottery, (0, 0, 0))
    assert (found.smallest, found.largest, found.without_chance) == (0.0, 0.5, 1)
