"""Transforms by hand: a wrong f gives raters another voice than the condition says."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_world import make_config

from core.errors import InputError
from core.facts.training.transforms import clip_of, power_of, transformed

HUNDRED = [Fraction(i, 100) for i in range(1, 101)]
CHANCES = st.lists(st.fractions(0, 1, max_denominator=1000), min_size=1, max_size=40)


def test_clipping_as_in_the_specification():
    assert clip_of(HUNDRED) == (Fraction(595, 10_000), Fraction(9505, 10_000))
    found = transformed(HUNDRED, "clipped")
    assert (found[0], found[49], found[-1]) == (0.0595, 0.5, 0.9505)


@given(CHANCES)
def test_quantiles_are_those_of_numpy_over_positive_chances(chances):
    positive = [float(pi) for pi in chances if pi > 0]
    found = [float(quantile) for quantile in clip_of(chances)]
    assert found == pytest.approx(np.quantile(positive, [0.05, 0.95]) if positive else [0, 0], abs=1e-12)


@given(CHANCES, st.sampled_from(["identity", "sqrt", "square", "clipped", "power:0.75", "power:2.5", "power:16"]))
def test_whoever_cannot_be_drawn_has_no_weight_and_everybody_else_has_one(chances, transform):
    assert [w > 0 for w in transformed(chances, transform)] == [pi > 0 for pi in chances]


def test_the_smallest_chance_of_a_lottery_keeps_a_weight_under_the_largest_power():
    assert transformed([Fraction(1, 2**53 * 10_000)], "power:16")[0] > 0


@given(st.fractions(Fraction(1, 1000), 1, max_denominator=10**6))
def test_powers_are_rounded_once(pi):
    assert transformed([pi], "power:1") == [float(pi)]
    assert transformed([pi], "power:2") == [float(pi**2)] == transformed([pi], "square")
    assert transformed([pi], "power:0.75")[0] == pytest.approx(float(pi) ** 0.75, rel=1e-15)
    root = transformed([pi], "power:0.5")[0]
    assert math.isclose(root, transformed([pi], "sqrt")[0], rel_tol=2**-51)


@pytest.mark.parametrize(
    ("text", "power"), [("power:0.75", "0.75"), ("power:3", "3"), ("power:16", "16"), ("power:0.000000001", "1e-9")]
)
def test_known_powers(text, power):
    assert power_of(text) == Decimal(power)
    config = make_config(f'[[conditions]]\nname = "a"\nsource = "lottery:main"\ntransform = "{text}"')
    assert config.conditions[0].transform == text


@pytest.mark.parametrize(
    "text", ["power:0", "power:-1", "power:17", "power:", "power:1e2", "power:nan", "cube", "Sqrt"]
)
def test_an_unknown_transform_is_told(text):
    with pytest.raises(InputError, match=r"conditions\.0\.transform: .* is no transform of π; there are 'identity'"):
        make_config(f'[[conditions]]\nname = "a"\nsource = "lottery:main"\ntransform = "{text}"')
    with pytest.raises(ValueError, match="no transform"):
        transformed(HUNDRED, text)
