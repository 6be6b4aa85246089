"""The paper's Copeland counts votes, the true one majorities."""

from __future__ import annotations

import numpy as np
import pytest
import tennessee

from core.ranking.methods.borda import borda
from core.ranking.methods.copeland import copeland, copeland_majority, win_rate


def test_votes_won_minus_lost() -> None:
    # Memphis wins 42 votes of 100 against each of three: 126 − 174.
    assert copeland(tennessee.wins()).tolist() == [-48, 88, 46, -86]
    assert win_rate(tennessee.wins()).tolist() == pytest.approx([0.42, 194 / 300, 173 / 300, 107 / 300])


def test_votes_are_borda_on_another_scale() -> None:
    wins = tennessee.wins()
    assert copeland(wins).tolist() == pytest.approx((100 * (2 * borda(wins) - 3)).tolist())


def test_majorities_won_minus_lost() -> None:
    assert copeland_majority(tennessee.wins()).tolist() == [-3, 3, 1, -1]


def test_a_tied_pair_counts_for_neither() -> None:
    assert copeland_majority(np.array([[0.0, 2.0], [2.0, 0.0]])).tolist() == [0, 0]


def test_one_condition() -> None:
    alone = np.zeros((1, 1, 1))
    assert copeland(alone).tolist() == copeland_majority(alone).tolist() == [[0.0]]
    assert win_rate(alone).tolist() == [[0.5]]
