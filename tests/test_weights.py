"""Weights by hand: a wrong weight would give a rater a voice that the lottery did not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training_world import make_draw, make_lottery, make_pairs, make_pool

from core.errors import InputError
from core.facts.training.weights import effective_pairs
from core.sections.what_trains import ConditionSection
from core.training.planning.weights import rater_weights
from core.types import LOTTERY_DENOMINATOR, Rater

QUARTER = LOTTERY_DENOMINATOR // 4


@pytest.fixture
def world():
    """Rater 0 answered the survey only, so pool member i is rater i + 1: old, young, old, young, old."""
    pairs = make_pairs()
    pairs = replace(
        pairs, raters=(Rater("survey-only", {"age": "old"}, us_rep=True), *pairs.raters), rater=pairs.rater + 1
    )
    pool = make_pool(pairs)
    assert pool.rater == (1, 2, 3, 4, 5)
    # types: old (3 members), young (2); panels (1 old, 1 young) with 1/4 and (2 old, 0 young) with 3/4
    return pairs, pool, make_lottery(pool, [(1, 1), (2, 0)], [QUARTER])


def weights(world, source, **options):
    pairs, pool, lottery = world
    condition = ConditionSection(name="c", source=source, **options)
    return rater_weights(condition, pairs, pool, (lottery,), (make_draw((0, 3)),))


def test_full_counts_every_pair_once(world):
    counts = world[0].pairs_per_rater()
    assert weights(world, "all").tolist() == counts.tolist()
    assert weights(world, "population").tolist() == counts.tolist()


def test_us_rep_counts_the_pairs_of_its_raters_once(world):
    counts = world[0].pairs_per_rater()
    assert weights(world, "us_rep").tolist() == [0, 0, 0, *counts[3:]]


def test_equal_voice_counts_every_rater_once(world):
    assert weights(world, "all", equal_voice=True).tolist() == [0, 1, 1, 1, 1, 1]
    assert weights(world, "us_rep", equal_voice=True).tolist() == [0, 0, 0, 1, 1, 1]


def test_hard_weighs_the_members_of_the_draw_by_their_pool_index(world):
    assert weights(world, "draw:first").tolist() == [0, 1, 0, 0, 1, 0]


def test_soft_weighs_by_inclusion_probability(world):
    old, young = (0.25 * 1 + 0.75 * 2) / 3, 0.25 * 1 / 2
    assert weights(world, "lottery:main").tolist() == pytest.approx([0, old, young, old, young, old])
    assert weights(world, "lottery:main", transform="sqrt")[1] == pytest.approx(math.sqrt(old))
    assert weights(world, "lottery:main", transform="square")[2] == young**2


def test_raters_with_zero_inclusion_probability_are_dropped(world):
    pairs, pool, _ = world
    never_young = make_lottery(pool, [(2, 0)], [])
    found = weights((pairs, pool, never_young), "lottery:main")
    assert found.tolist() == pytest.approx([0, 2 / 3, 0, 2 / 3, 0, 2 / 3])


def test_none_weighs_nobody(world):
    assert not weights(world, "none").any()


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("all", {"transform": "sqrt"}, "needs a source 'lottery:<name>', not 'all'"),
        ("draw:first", {"equal_voice": True}, "equal_voice has no use with source 'draw:first'"),
        ("draw:second", {}, "no accepted result for 'draw:second'"),
    ],
)
def test_options_without_effect_are_refused(world, source, options, message):
    with pytest.raises(InputError, match=message):
        weights(world, source, **options)


def test_a_source_without_raters_is_refused(world):
    pairs, pool, lottery = world
    nobody = replace(pairs, raters=tuple(replace(r, us_rep=False) for r in pairs.raters))
    with pytest.raises(InputError, match="'us_rep' leaves no rater with a pair"):
        weights((nobody, pool, lottery), "us_rep")


def test_effective_pairs_of_full_are_all_pairs(world):
    counts = world[0].pairs_per_rater()
    assert effective_pairs(weights(world, "all"), counts) == pytest.approx(counts.sum())
    assert effective_pairs(np.zeros(6), counts) == 0


@given(arrays(np.float64, 4, elements=st.floats(1e-3, 1)), arrays(np.int64, 4, elements=st.integers(1, 30)))
def test_effective_pairs_equal_the_sum_over_single_pairs(weight, counts):
    omega = np.repeat(weight / counts, counts)
    expected = omega.sum() ** 2 / (omega**2).sum()
    assert effective_pairs(weight, counts) == pytest.approx(expected)
    assert effective_pairs(weight, counts) <= counts.sum() * (1 + 1e-12)
