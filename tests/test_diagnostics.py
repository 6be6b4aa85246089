"""Measures of inequality against values worked by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from core.events import QuotaRow
from core.facts.sortition.inequality import inequality
from core.facts.sortition.quotas import wanted_and_nobody
from core.sortition.recording import diagnosed_event
from core.types import LOTTERY_DENOMINATOR, Lottery


def measured(*pi: float) -> dict[str, float]:
    return inequality([Fraction(p) for p in pi], 1)


def test_gini() -> None:
    """Mean absolute difference over twice the mean; one rater with everything among four has 3/4."""
    assert measured(0.5, 0.5, 0.5)["gini"] == pytest.approx(0)
    assert measured(0, 0, 0, 1)["gini"] == pytest.approx(3 / 4)
    assert measured(4, 1, 3, 2)["gini"] == pytest.approx(1 / 4)


def test_where_nobody_has_a_chance_nothing_is_measured() -> None:
    with pytest.raises(ValueError, match="positive"):
        measured(0, 0)


def test_ratio_and_variation() -> None:
    assert measured(0.125, 0.5)["max_min_ratio"] == 4
    assert math.isinf(measured(0, 0.4)["max_min_ratio"])
    assert measured(1, 3)["coefficient_of_variation"] == pytest.approx(1 / 2)


def test_raters_without_chance() -> None:
    assert measured(0.0, 0.5, 0.0)["without_chance"] == 2


def test_all_measures_of_a_lottery() -> None:
    """Two seats: one is the only woman's, the other goes to one of two old men; the young man has no chance."""
    quotas = [
        QuotaRow(attribute="gender", category="woman", lower=1, upper=1, slack=False, in_pool=1),
        QuotaRow(attribute="gender", category="other", lower=0, upper=2, slack=False, in_pool=0),
        QuotaRow(attribute="age", category="old", target="0.5", lower=1, upper=1, slack=False, in_pool=2),
        QuotaRow(attribute="age", category="unknown", target="0.1", lower=0, upper=2, slack=True, in_pool=0),
    ]
    lottery = Lottery("main", 2, (1, 2, 1), ((1, 1, 0),), (LOTTERY_DENOMINATOR,))
    found = diagnosed_event(lottery, (1, 0, 2, 1), quotas)
    assert (found.raters, found.smallest, found.largest, found.equal) == (4, 0.0, 1.0, 0.5)
    assert found.gini == pytest.approx(6 / 16)  # Σ|π_i − π_j| over pairs is 3, times two, over 2·4·2
    assert math.isinf(float(found.max_min_ratio))
    assert found.coefficient_of_variation == pytest.approx(math.sqrt(1 / 8) / 0.5)
    assert (found.without_chance, found.without_chance_types, found.certain) == (1, [2], 1)
    assert found.empty_categories == ["age: unknown"]


def test_named_members_are_measured_one_by_one() -> None:
    """Two panels of one, both of the same type: its raters differ although they are of one type."""
    lottery = Lottery("m", 1, (3,), ((1,), (1,)), (1, 1), 2, ((0,), (2,)))
    found = diagnosed_event(lottery, (0, 0, 0), ())
    assert (found.smallest, found.largest, found.without_chance) == (0.0, 0.5, 1)


def test_a_strangers_target_is_compared_without_writing_it_out() -> None:
    """As an exact fraction it would have a thousand million digits."""
    assert wanted_and_nobody(0, 0, float("1e999999999"))
    assert not wanted_and_nobody(0, 0, None)
