"""Plackett–Luce on resamples, with most of the work shared, must be the estimate of each resample alone."""

from __future__ import annotations

import numpy as np
import pytest

from core.facts.randomness import RandomStream
from core.ranking.bootstrap import draw_weights
from core.ranking.counts import Floats, Ints, choices_by_unit, strongly_connected, wins_by_unit
from core.ranking.methods import resampled_choices
from core.ranking.methods.choice_model import HALF_WIN, fit_choices, pair_sets
from core.ranking.methods.plackett_luce import plackett_luce


def orders_of(seed: int, conditions: int, rankings: int, spread: float) -> Ints:
    rng = np.random.default_rng(seed)
    utility = np.linspace(spread, -spread, conditions) + rng.gumbel(size=(rankings, conditions))
    return np.argsort(-utility, axis=1)


def alone(orders: Ints, unit: Ints, weight: Ints) -> Floats:
    """The estimate of one resample: its rankings listed one by one, from equal abilities."""
    m = orders.shape[1]
    listed = np.repeat(np.arange(len(orders)), weight[unit])
    one = np.zeros(len(listed), dtype=np.int64)
    choices = choices_by_unit(orders[listed], one, 1)
    counts = choices.counts.toarray()[0]
    seen, chosen = np.bincount(choices.set_of, counts), np.bincount(choices.chosen, counts, minlength=m)
    sets = choices.sets
    if not strongly_connected(wins_by_unit(orders[listed], one, 1))[0]:
        sets = np.concatenate([sets, pair_sets(m)])
        seen = np.concatenate([seen, np.full(len(pair_sets(m)), 2 * HALF_WIN)])
        chosen = chosen + HALF_WIN * (m - 1)
    return fit_choices(sets, seen[None], chosen[None].astype(float))[0]


CASES = {
    "many rankings": (6, 900, 300, 0.5),
    "few rankings": (4, 12, 6, 0.8),
    "far apart, some without an estimate": (4, 60, 20, 3.5),
    "always in the same order": (3, 6, 3, 60.0),
    "two conditions": (2, 30, 30, 0.2),
    "one condition": (1, 4, 2, 0.0),
    "more sets than are kept": (9, 400, 80, 0.4),
}


@pytest.mark.parametrize("case", CASES)
def test_every_resample_has_its_own_estimate(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions, rankings, units, spread = CASES[case]
    if case.startswith("more sets"):
        monkeypatch.setattr(resampled_choices, "SETS_KEPT", 100)
        monkeypatch.setattr(resampled_choices, "SETS_AT_ONCE", 64)
        monkeypatch.setattr(resampled_choices, "ROWS_AT_ONCE", 7)
    orders = orders_of(3, conditions, rankings, spread)
    unit = np.arange(rankings, dtype=np.int64) % units
    weights = draw_weights(units, 25, RandomStream(1, "rank"), lambda done, total, detail: None)
    wins = np.tensordot(weights.astype(float), wins_by_unit(orders, unit, units), axes=1)
    separable = ~strongly_connected(wins)
    if case.startswith("far apart"):
        assert 0 < separable.sum() < len(separable), "otherwise this tests something else"
    done: list[int] = []
    found = plackett_luce(choices_by_unit(orders, unit, units), weights, separable, done.append)
    assert done[-1] == len(weights)
    expected = np.array([alone(orders, unit, one.astype(np.int64)) for one in weights])
    assert np.abs(found - expected).max() < 1e-10


def test_the_likelihood_is_flat_at_the_estimate() -> None:
    """A step of Newton's method from there goes nowhere: the slope is at the level of rounding."""
    orders, unit = orders_of(5, 7, 600, 0.5), np.arange(600, dtype=np.int64) % 120
    choices = choices_by_unit(orders, unit, 120)
    weights = draw_weights(120, 40, RandomStream(2, "rank"), lambda done, total, detail: None)
    theta = plackett_luce(choices, weights, np.zeros(len(weights), dtype=bool))
    ability = np.exp(theta)
    for one, own, weight in zip(ability, theta, weights, strict=True):
        counts = weight @ choices.counts.toarray()
        seen = np.bincount(choices.set_of, counts)
        expected = one * ((seen / (choices.sets @ one)) @ choices.sets)
        slope = np.bincount(choices.chosen, counts, minlength=7) - expected
        assert np.abs(slope).max() < 1e-6
        assert own.sum() == pytest.approx(0, abs=1e-12)
