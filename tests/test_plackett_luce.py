"""Plackett–Luce must be the maximum-likelihood estimate."""

from __future__ import annotations

from itertools import permutations

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ranking.counts import Floats, choices_by_unit, strongly_connected, wins_by_unit
from core.ranking.methods.choice_model import fit_choices
from core.ranking.methods.plackett_luce import plackett_luce

TRUTH = np.array([0.375, 0.113, 0.071, 0.026, -0.584])


def exact_data(log_abilities: Floats) -> tuple[Floats, Floats]:
    """All orders, and the probability of each under Plackett–Luce."""
    orders = np.array(list(permutations(range(len(log_abilities)))))
    ability = np.exp(log_abilities)[orders]
    remaining = np.cumsum(ability[:, ::-1], axis=1)[:, ::-1]
    return orders, (ability / remaining).prod(axis=1)


def estimate(orders: Floats, weights: Floats | None = None) -> Floats:
    units = np.arange(len(orders))
    weights = np.ones(len(orders)) if weights is None else weights
    choices = choices_by_unit(orders, units, len(orders))
    wins = np.tensordot(weights, wins_by_unit(orders, units, len(orders)), axes=1)[None]
    return plackett_luce(choices, weights[None], ~strongly_connected(wins))[0]


def test_exact_data_give_the_truth_back() -> None:
    orders, probability = exact_data(TRUTH)
    assert probability.sum() == pytest.approx(1)
    assert estimate(orders, probability).tolist() == pytest.approx((TRUTH - TRUTH.mean()).tolist(), abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 7))
def test_agrees_with_choix(seed: int, conditions: int) -> None:
    rng = np.random.default_rng(seed)
    # A ranking and its reverse make sure that the estimate exists.
    orders = np.array([rng.permutation(conditions) for _ in range(25)])
    orders = np.concatenate([orders, orders[:1, ::-1]])
    expected = choix.ilsr_rankings(conditions, [tuple(map(int, order)) for order in orders], tol=1e-12)
    assert estimate(orders).tolist() == pytest.approx((expected - expected.mean()).tolist(), abs=1e-7)


def test_a_condition_that_is_always_first_stays_finite_and_first() -> None:
    scores = estimate(np.array([[0, 1, 2], [0, 2, 1]]))
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1]
    assert scores[1] == pytest.approx(scores[2])


def test_one_ranking_of_two() -> None:
    # One choice of a out of {a, b} and half a win each way: odds 3 to 1.
    assert estimate(np.array([[0, 1]])).tolist() == pytest.approx([np.log(3) / 2, -np.log(3) / 2])


def test_one_condition() -> None:
    assert estimate(np.array([[0], [0]])).tolist() == [0.0]


def test_a_fit_without_a_maximum_is_an_error_not_a_number() -> None:
    with pytest.raises(RuntimeError, match="no finite estimate"):
        fit_choices(np.array([[1.0, 1.0]]), np.array([[5.0]]), np.array([[5.0, 0.0]]))
