"""Mallows' closed forms against sums over all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from core.ranking.counts import wins_by_unit
from core.ranking.methods.mallows import dispersion, distances, expected_distance, held_out, log_likelihood


def inversions(order: tuple[int, ...]) -> int:
    return sum(order[a] > order[b] for a in range(len(order)) for b in range(a + 1, len(order)))


def distances_of_all_orders(m: int) -> NDArray[np.float64]:
    return np.array([inversions(order) for order in permutations(range(m))], dtype=float)


@pytest.mark.parametrize("m", [2, 3, 5, 6])
@pytest.mark.parametrize("phi", [0.0, 0.01, 0.5, 3.0])
def test_expected_distance_and_likelihood_sum_over_all_orders(m: int, phi: float) -> None:
    d = distances_of_all_orders(m)
    weight = np.exp(-phi * d)
    assert float(expected_distance(np.array(phi), m)) == pytest.approx((d * weight).sum() / weight.sum())
    expected = -phi * 7 - 4 * np.log(weight.sum())
    assert log_likelihood(7, 4, phi, m) == pytest.approx(expected)


@pytest.mark.parametrize("phi", [1e-4, 0.2, 1.0, 5.0, 15.0])
def test_dispersion_inverts_the_expected_distance(phi: float) -> None:
    mean = expected_distance(np.array([phi]), 7)
    assert dispersion(mean, 7)[0] == pytest.approx(phi, rel=1e-6)


def test_dispersion_maximises_the_likelihood() -> None:
    best = minimize_scalar(lambda phi: -log_likelihood(30, 12, phi, 5), bounds=(0, 5), method="bounded")
    assert dispersion(np.array(30 / 12), 5) == pytest.approx(best.x, abs=1e-4)


def test_dispersion_at_its_ends() -> None:
    exact, uniform, nothing = dispersion(np.array([0.0, 21 / 2, np.nan]), 7)
    assert exact == np.inf, "all rankings equal the consensus"
    assert uniform == pytest.approx(0, abs=1e-9)
    assert np.isnan(nothing), "no ranking at all"
    assert np.isnan(dispersion(np.array([0.0]), 1)[0]), "one condition has no distances"


def test_infinite_dispersion_gives_the_consensus_all_probability() -> None:
    assert log_likelihood(0, 5, np.inf, 4) == 0
    assert log_likelihood(1, 5, np.inf, 4) == -np.inf


def test_distances_from_wins() -> None:
    orders = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2]])
    wins = wins_by_unit(orders, np.arange(3), 3)
    assert distances(wins, (0, 1, 2)).tolist() == [0, 3, 1]


def test_the_published_split() -> None:
    """The first fifth of random.Random(42).shuffle: which rankings are held out must never move."""
    assert np.flatnonzero(held_out(10)).tolist() == [3, 7]
    assert held_out(150).sum() == 30
    assert not held_out(4).any()
