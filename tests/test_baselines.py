"""LEGACY and random selection: what LEXIMIN is compared with must be what it says it is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from test_leximin import ODD_CYCLE, WOMEN_AND_OLD, quota

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.sortition.baselines import Legacy, sample_panels, simple_random
from core.sortition.quotas.problem import PanelProblem

SAMPLES = 3000


def estimate(problem: PanelProblem, algorithm: str) -> tuple[np.ndarray, np.ndarray]:
    """(π, standard error) per type, shape (T,) each."""
    stream = RandomStream(5, algorithm)
    legacy = Legacy(problem)
    draw = (lambda: legacy.draw(stream)) if algorithm == "legacy" else (lambda: simple_random(problem, stream))
    sampled = sample_panels(draw, problem.type_sizes, SAMPLES, lambda _: None)
    weights = np.array([float(w) for w in sampled.weights])
    return weights @ np.array(sampled.panels) / problem.n, sampled.standard_error


def test_legacy_on_a_hand_worked_pool() -> None:
    """First a woman (need 1/2 beats 1/3), the old or the young one by halves; then she is all that is needed.

    After the old one any man is taken (1/4 each); after the young one an old man is needed (1/2 each):
    an old man has 1/2·1/4 + 1/2·1/2 = 3/8, a young one 1/8, where LEXIMIN gives every man 1/4.
    """
    pi, error = estimate(WOMEN_AND_OLD, "legacy")
    wanted = np.array([1 / 2, 1 / 2, 3 / 8, 1 / 8])
    assert np.all(np.abs(pi - wanted) < 4.5 * np.sqrt(wanted * (1 - wanted) / SAMPLES))
    # The women are single raters: the error is the binomial one. The men come in pairs, at most one at a time.
    assert error[0] == pytest.approx(np.sqrt(1 / 4 / SAMPLES), rel=0.05)


def test_legacy_panels_meet_the_quotas_also_after_dead_ends() -> None:
    """In the odd cycle four of five first picks lead nowhere."""
    legacy, stream = Legacy(ODD_CYCLE), RandomStream(1)
    assert {legacy.draw(stream) for _ in range(20)} == {(0, 0, 0, 1, 1)}


def test_legacy_respects_an_upper_quota_of_zero() -> None:
    problem = PanelProblem(2, (2, 2), (quota("none", 0, 0, 0),))
    assert Legacy(problem).draw(RandomStream(1)) == (0, 2)


def test_legacy_gives_up_loudly() -> None:
    problem = PanelProblem(2, (1, 1, 1), (quota("a", 2, 2, 0, 1), quota("b", 2, 2, 1, 2), quota("c", 2, 2, 0, 2)))
    with pytest.raises(InputError, match="LEGACY found no panel of 2 in 1000 attempts"):
        Legacy(problem).draw(RandomStream(1))


def test_random_selection_ignores_quotas_and_is_uniform() -> None:
    pi, error = estimate(WOMEN_AND_OLD, "random")
    assert np.all(np.abs(pi - 1 / 3) < 4.5 * np.sqrt(2 / 9 / SAMPLES))
    assert np.all(error > 0)


def test_equal_panels_are_counted_together() -> None:
    panels = iter([(1, 1), (0, 2), (1, 1), (1, 1)])
    sampled = sample_panels(lambda: next(panels), (1, 2), 4, lambda _: None)
    assert sampled.panels == ((1, 1), (0, 2))
    assert sampled.weights == (Fraction(3, 4), Fraction(1, 4))
    # x/n of the first type is 1, 0, 1, 1: s² = 1/4, so the standard error is 1/2 / √4.
    assert sampled.standard_error[0] == pytest.approx(0.25)
