"""Bradley–Terry against choix and by hand."""

from __future__ import annotations

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ranking.counts import Floats, wins_by_unit
from core.ranking.methods.bradley_terry import bradley_terry


def test_two_conditions_three_to_one() -> None:
    scores, separable = bradley_terry(np.array([[[0.0, 3.0], [1.0, 0.0]]]))
    assert scores[0].tolist() == pytest.approx([np.log(3) / 2, -np.log(3) / 2])
    assert separable.tolist() == [False]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_agrees_with_choix(seed: int, conditions: int) -> None:
    rng = np.random.default_rng(seed)
    wins = rng.integers(1, 30, (conditions, conditions)).astype(float)
    np.fill_diagonal(wins, 0)
    data = [(i, j) for i in range(conditions) for j in range(conditions) for _ in range(int(wins[i, j]))]
    expected = choix.ilsr_pairwise(conditions, data, tol=1e-12)
    scores, _ = bradley_terry(wins[None])
    assert scores[0].tolist() == pytest.approx((expected - expected.mean()).tolist(), abs=1e-7)


def solves_the_likelihood_equations(wins: Floats) -> bool:
    """Expected wins equal wins at the maximum, and only there."""
    scores, separable = bradley_terry(wins[None])
    probability = 1 / (1 + np.exp(scores[0][None, :] - scores[0][:, None]))
    expected = ((wins + wins.T) * probability).sum(axis=1)
    assert not separable[0]
    return bool(np.allclose(expected, wins.sum(axis=1), rtol=1e-7, atol=1e-6))


def test_lopsided_counts() -> None:
    """One upset in 15,000 rankings."""
    wins = np.array([[0, 14999, 15000, 15000], [1, 0, 14990, 15000], [0, 10, 0, 14999], [0, 0, 1, 0]], dtype=float)
    assert solves_the_likelihood_equations(wins)


def test_counts_on_which_undamped_newton_steps_run_away() -> None:
    wins = [[0, 0, 0, 0, 4282], [1097, 0, 0, 0, 0], [0, 16, 0, 0, 0], [0, 5, 14951, 0, 0], [0, 0, 3491, 1, 0]]
    assert solves_the_likelihood_equations(np.array(wins, dtype=float))


def test_counts_on_which_a_step_underflows_every_sum() -> None:
    wins = np.zeros((6, 6))
    wins[0, [2, 4]] = 1, 16
    wins[1, [0, 3]] = 1843, 6230
    wins[2, [4, 5]] = 8015, 2
    wins[3, [2, 4]] = 5199, 132
    wins[4, [0, 1, 2, 5]] = 90, 11, 1, 1
    wins[5, 1] = 4471
    assert solves_the_likelihood_equations(wins)


def test_counts_whose_likelihood_is_rounded_more_than_it_rises() -> None:
    assert solves_the_likelihood_equations(np.array([[0, 0, 1], [16139, 0, 0], [0, 19046, 0]], dtype=float))


def test_a_condition_that_always_wins_gets_half_a_win_each_way() -> None:
    scores, separable = bradley_terry(np.array([[[0.0, 1.0], [0.0, 0.0]]]))
    assert separable.tolist() == [True]
    assert scores[0].tolist() == pytest.approx([np.log(3) / 2, -np.log(3) / 2])


def test_only_samples_without_an_estimate_are_touched() -> None:
    regular, separable = [[0.0, 3.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]
    together, which = bradley_terry(np.array([regular, separable]))
    assert which.tolist() == [False, True]
    assert together[0].tolist() == bradley_terry(np.array([regular]))[0][0].tolist()


def test_separable_conditions_keep_their_order_and_are_finite() -> None:
    orders = np.array([[0, 1, 2, 3], [1, 0, 2, 3]])
    scores, separable = bradley_terry(wins_by_unit(orders, np.zeros(2, dtype=np.int64), 1))
    assert separable[0]
    assert np.isfinite(scores).all()
    assert scores[0, 0] == pytest.approx(scores[0, 1])
    assert scores[0, 1] > scores[0, 2] > scores[0, 3]


def test_one_condition() -> None:
    scores, separable = bradley_terry(np.zeros((2, 1, 1)))
    assert scores.tolist() == [[0.0], [0.0]]
    assert not separable.any()
