"""The schedule decides which pair is seen when: a wrong one would weigh people wrongly without a trace."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.facts.training.schedule import order_of
from core.training.planning.schedule import decode_schedule, encode_schedule, uniform_schedule, weighted_schedule


@given(st.integers(1, 30), st.integers(0, 100), st.integers(0, 9))
def test_every_round_holds_each_eligible_pair_once(pairs, size, seed):
    eligible = np.arange(pairs) * 3
    schedule = uniform_schedule(eligible, size, "shuffles", RandomStream(seed, "test"))
    assert len(schedule) == size
    for start in range(0, size, pairs):
        part = schedule[start : start + pairs].tolist()
        assert len(set(part)) == len(part)
        assert set(part) <= set(eligible.tolist())
        if len(part) == pairs:
            assert sorted(part) == eligible.tolist()


def test_rounds_are_shuffled_anew():
    schedule = uniform_schedule(np.arange(50), 100, "shuffles", RandomStream(1, "test"))
    assert schedule[:50].tolist() != schedule[50:].tolist()


def test_with_replacement_each_pair_is_drawn_by_itself():
    eligible = np.array([2, 3, 5, 7, 11])
    schedule = uniform_schedule(eligible, 50_000, "with_replacement", RandomStream(4, "test"))
    assert chisquare(np.bincount(schedule, minlength=12)[eligible]).pvalue > 1e-3
    assert set(schedule.tolist()) == set(eligible.tolist())
    repeated = float(np.mean(schedule[1:] == schedule[:-1]))
    assert repeated == pytest.approx(1 / 5, abs=0.01), "a pair may follow itself"
    assert schedule.tolist() != uniform_schedule(eligible, 50_000, "shuffles", RandomStream(4, "test")).tolist()


@pytest.mark.parametrize(
    ("estimator", "order", "recorded"),
    [
        ("step_normalised", "shuffles", None),
        ("published", "with_replacement", "with_replacement"),
        ("weighted_sampling", "with_replacement", None),
    ],
)
def test_the_order_is_recorded_where_it_is_another(estimator, order, recorded):
    assert order_of(estimator, order) == recorded


def test_weighted_sampling_draws_pairs_in_proportion_to_their_weight():
    rater = np.array([2, 0, 0, 1, 2, 0, 3, 3], dtype=np.int32)  # N = 3, 1, 2, 2; pairs in no order of raters
    weight = np.array([0.5, 0.2, 0.3, 0.0])
    size = 60_000
    drawn = np.bincount(weighted_schedule(weight, rater, size, RandomStream(5, "test")), minlength=len(rater))
    omega = weight[rater] / np.bincount(rater)[rater]
    assert drawn[6:].tolist() == [0, 0]
    assert chisquare(drawn[:6], size * omega[:6] / omega.sum()).pvalue > 1e-3


def test_a_vanishing_weight_is_drawn_next_to_never():
    rater = np.array([0, 1], dtype=np.int32)
    found = weighted_schedule(np.array([1.0, 1e-300]), rater, 100, RandomStream(5, "test"))
    assert found.tolist() == [0] * 100


@pytest.mark.parametrize("seed", [0, 12345])
def test_schedules_can_be_derived_again(seed):
    weight, rater = np.array([1.0, 2.0]), np.array([0, 1, 1], dtype=np.int32)
    for draw in (
        lambda s: uniform_schedule(np.arange(9), 40, "shuffles", s),
        lambda s: weighted_schedule(weight, rater, 40, s),
    ):
        assert np.array_equal(draw(RandomStream(seed, "a")), draw(RandomStream(seed, "a")))
        assert not np.array_equal(draw(RandomStream(seed, "a")), draw(RandomStream(seed, "b")))


def test_a_large_schedule_is_drawn_in_seconds():
    rater = np.sort(np.random.default_rng(0).integers(1500, size=150_000)).astype(np.int32)
    begun = time.process_time()
    uniform_schedule(np.arange(150_000), 32_000, "shuffles", RandomStream(0, "u"))
    weighted_schedule(np.full(1500, 0.1), rater, 32_000, RandomStream(0, "w"))
    assert time.process_time() - begun < 20


def test_the_artifact_is_plain_json():
    schedule = np.array([[3, 1], [2, 2]], dtype=np.int32)
    flipped = np.array([[False, True], [False, False]])
    body = encode_schedule(schedule, flipped)
    assert body == (b'{"format":"dempo-schedule-1","steps":2,"batch":2,"pairs":[[3,1],[2,2]],"flipped":[[0,1]]}')
    again, flips = decode_schedule(body)
    assert again.tolist() == schedule.tolist()
    assert flips.tolist() == flipped.tolist()


def test_a_schedule_of_another_format_is_refused():
    with pytest.raises(InputError, match="'other' cannot be read"):
        decode_schedule(json.dumps({"format": "other"}).encode())
