"""Measures of inequality against values worked by hand."""

from __future__ import annotations

import math

import pytest

from core.sortition.diagnostics import coefficient_of_variation, gini, max_min_ratio, per_rater, without_chance


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


def test_raters_and_their_types() -> None:
    assert per_rater([0.5, 0.0], [1, 0, 1]).tolist() == [0.0, 0.5, 0.0]
    assert without_chance([0.0, 0.5, 0.0]) == (0, 2)
