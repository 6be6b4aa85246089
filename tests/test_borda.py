"""Borda against a textbook and a walk through the rankings."""

from __future__ import annotations

import numpy as np
import pytest
import tennessee
from hypothesis import given
from hypothesis import strategies as st

from core.ranking.counts import wins_by_unit
from core.ranking.methods.borda import borda


def test_tennessee() -> None:
    assert (borda(tennessee.wins()) * 100).tolist() == pytest.approx([126, 194, 173, 107])


@given(st.lists(st.permutations(range(4)), min_size=1, max_size=12))
def test_it_is_the_mean_of_the_conditions_below(orders: list[list[int]]) -> None:
    wins = wins_by_unit(np.array(orders), np.zeros(len(orders), dtype=np.int64), 1)
    expected = [np.mean([3 - order.index(i) for order in orders]) for i in range(4)]
    assert borda(wins)[0].tolist() == pytest.approx(expected)


def test_one_condition_has_nothing_below() -> None:
    assert borda(np.zeros((3, 1, 1))).tolist() == [[0.0]] * 3
