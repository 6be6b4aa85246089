"""The published variant must return what the published script returns, and its limit where that has none."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from test_plackett_luce import TRUTH, exact_data

from core.facts.randomness import RandomStream
from core.ranking.bootstrap import draw_weights
from core.ranking.counts import Choices, Floats, choices_by_unit
from core.ranking.methods.plackett_luce_published import fixed_point, plackett_luce_published


def estimate(orders: Floats, weights: Floats | None = None) -> Floats:
    weights = np.ones(len(orders)) if weights is None else weights
    choices = choices_by_unit(orders, np.arange(len(orders)), len(orders))
    scores, settled = plackett_luce_published(choices, weights[None] @ choices.counts.toarray())
    assert settled.tolist() == [True]
    return scores[0]


def iterate(orders: Floats, steps: int) -> Floats:
    """The published iteration, walking through the rankings; log-weights relative to the largest."""
    log_weight = np.zeros(orders.shape[1])
    for _ in range(steps):
        weight = np.exp(log_weight)[orders]
        remaining = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
        log_weight = np.log(len(orders) / np.bincount(orders.ravel(), weights=(1 / remaining).ravel()))
        log_weight -= log_weight.max()
    return log_weight


def test_published_values_on_exact_data() -> None:
    orders, probability = exact_data(TRUTH)
    assert estimate(orders, probability).round(3).tolist() == [0.514, 0.257, 0.208, 0.152, -1.131]


@pytest.mark.parametrize("seed", range(10))
def test_it_is_the_limit_of_the_iteration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    orders = np.argsort(-(np.linspace(0.5, -0.5, 6) + rng.gumbel(size=(60, 6))), axis=1)
    expected = iterate(orders, 3000)
    assert estimate(orders).tolist() == pytest.approx((expected - expected.mean()).tolist(), abs=1e-7)


@pytest.mark.parametrize(("last", "vanishes"), [(24, False), (26, True)])
def test_a_condition_that_is_last_too_often_loses_all_weight(last: int, vanishes: bool) -> None:
    """Beside four equal others the bound is (1 + 1/2 + 1/3 + 1/4)/4 = 25/48 of the rankings."""
    others = np.array(list(permutations(range(4))))
    at_end = np.insert(others, 4, 4, axis=1)
    at_start = np.insert(others, 0, 4, axis=1)
    orders = np.concatenate([at_end, at_start])
    weights = np.repeat([last / 48, 1 - last / 48], len(others))
    scores = estimate(orders, weights)
    assert bool(np.isneginf(scores[4])) == vanishes
    assert np.isfinite(scores[:4]).all()
    assert scores[:4].tolist() == pytest.approx([scores[0]] * 4)
    assert scores[np.isfinite(scores)].sum() == pytest.approx(0, abs=1e-9)


def test_the_iteration_itself_loses_it() -> None:
    """The claim of the test above, on the iteration: the weight shrinks at a constant rate for ever."""
    others = list(permutations(range(3)))
    # Last in 3 of 4 rankings; the bound for three others is 11/18.
    orders = np.array([[*o, 3] for o in others for _ in range(3)] + [[3, *o] for o in others])
    early, later = iterate(orders, 200)[3], iterate(orders, 400)[3]
    assert later < early - 20
    assert np.isneginf(estimate(orders)[3])


def test_a_condition_that_is_always_first_is_finite() -> None:
    scores = estimate(np.array([[0, 1, 2], [0, 2, 1]]))
    expected = iterate(np.array([[0, 1, 2], [0, 2, 1]]), 2000)
    assert scores.tolist() == pytest.approx((expected - expected.mean()).tolist(), abs=1e-7)


def test_what_does_not_settle_is_said_to() -> None:
    """One ranking of two: the ratio of the weights grows by one at every step, without end."""
    choices = choices_by_unit(np.array([[0, 1]]), np.arange(1), 1)
    scores, settled = plackett_luce_published(choices, choices.counts.toarray())
    assert settled.tolist() == [False]
    assert scores[0].tolist() == pytest.approx([np.log(2001) / 2, -np.log(2001) / 2])


def test_samples_of_a_batch_do_not_touch_each_other() -> None:
    orders = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1], [0, 1, 2]])
    choices = choices_by_unit(orders, np.arange(4), 4)
    weights = np.array([[1.0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 2, 3, 4]])
    together, settled = plackett_luce_published(choices, weights @ choices.counts.toarray())
    for row, (scores, done) in enumerate(zip(together, settled, strict=True)):
        alone, alone_done = plackett_luce_published(choices, weights[row : row + 1] @ choices.counts.toarray())
        assert scores.tolist() == pytest.approx(alone[0].tolist())
        assert done == alone_done[0]


def test_one_condition() -> None:
    assert estimate(np.array([[0]])).tolist() == [0.0]


# ------------------------------------------------------------ resamples, from the fixed point of the data


def resampled(conditions: int, rankings: int, spread: float) -> tuple[Choices, Floats]:
    """The choices, and how often each occurs in the data (row 0) and in resamples of the rankings."""
    rng = np.random.default_rng(4)
    utility = np.linspace(spread, -spread, conditions) + rng.gumbel(size=(rankings, conditions))
    choices = choices_by_unit(np.argsort(-utility, axis=1), np.arange(rankings), rankings)
    weights = draw_weights(rankings, 30, RandomStream(3, "rank"), lambda done, total, detail: None)
    return choices, weights @ choices.counts.toarray()


@pytest.mark.parametrize(("conditions", "rankings"), [(8, 60), (9, 800)])
def test_from_the_fixed_point_of_the_data_the_same_ones_are_found(conditions: int, rankings: int) -> None:
    choices, tally = resampled(conditions, rankings, 0.3)
    near = fixed_point(choices, tally[:1])
    assert near is not None
    plain, plainly = plackett_luce_published(choices, tally)
    scores, settled = plackett_luce_published(choices, tally, near)
    assert (settled == plainly).all()
    assert np.abs(scores - plain).max() < 5e-10
    weight = np.exp(scores)
    for own, counted, theta in zip(weight, tally, scores, strict=True):
        sums = (choices.sets @ own)[choices.set_of]
        once = np.log(np.bincount(choices.chosen, counted) / np.bincount(choices.chosen, counted / sums))
        assert np.ptp(once - theta) < 1e-9, "one step more changes nothing"


@pytest.mark.parametrize(
    ("conditions", "spread"), [pytest.param(7, 0.3, id="few conditions"), pytest.param(8, 2.0, id="one vanishes")]
)
def test_where_it_need_not_settle_every_resample_is_iterated_alone(conditions: int, spread: float) -> None:
    choices, tally = resampled(conditions, 400, spread)
    assert fixed_point(choices, tally[:1]) is None


def test_resamples_that_lie_far_away_are_iterated_as_before() -> None:
    """One of them lacks a condition's first places, so that its weight goes to zero."""
    choices, tally = resampled(8, 60, 0.2)
    near = fixed_point(choices, tally[:1])
    assert near is not None
    size = choices.sets.sum(axis=1)[choices.set_of]
    tally[5] = np.where((choices.chosen == 0) & (size > 1), tally[5] * 1e-3, tally[5])
    plain, plainly = plackett_luce_published(choices, tally)
    scores, settled = plackett_luce_published(choices, tally, near)
    assert np.isneginf(plain[5]).any(), "otherwise this tests something else"
    assert (np.isneginf(scores) == np.isneginf(plain)).all()
    assert (settled == plainly).all()
    assert scores[5] == pytest.approx(plain[5], abs=1e-12)
