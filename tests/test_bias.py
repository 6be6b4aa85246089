"""Biases that are planted must be found, with the right sign."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from core.ranking.counts import encode
from core.ranking.judges.bias import position_bias, verbosity
from core.types import Judged, Ranking

EQUAL = {("a", "q"): 3, ("b", "q"): 3}


def ranking(order: str, question: str = "q") -> Ranking:
    return Ranking(question, 1, "j", tuple(order))


def test_a_judge_who_repeats_the_shown_order() -> None:
    orders = ["abc", "bca", "cab"]
    judged = Judged(tuple(ranking(o) for o in orders), tuple(tuple(o) for o in orders), {})
    values = position_bias(judged)
    assert values["shown_rank_correlation"] == pytest.approx(1)
    assert [values[f"first_given_shown:{k}"] for k in (1, 2, 3)] == [1, 0, 0]


def test_a_judge_with_a_fixed_order_has_no_bias_over_balanced_shown_orders() -> None:
    shown = ["abc", "bca", "cab", "acb", "bac", "cba"]
    judged = Judged(tuple(ranking("abc") for _ in shown), tuple(tuple(s) for s in shown), {})
    values = position_bias(judged)
    assert values["shown_rank_correlation"] == pytest.approx(0)
    assert [values[f"first_given_shown:{k}"] for k in (1, 2, 3)] == pytest.approx([1 / 3] * 3)


def test_a_judge_who_prefers_what_comes_last() -> None:
    values = position_bias(Judged((ranking("cba"),), (tuple("abc"),), {}))
    assert values["shown_rank_correlation"] == pytest.approx(-1)
    assert values["first_given_shown:3"] == 1


def test_unknown_shown_orders_leave_the_values_out() -> None:
    assert position_bias(Judged((ranking("ab"),), (), {})) == {}
    assert position_bias(Judged((ranking("ab"),), ((),), {})) == {}
    assert position_bias(Judged((ranking("a"),), (("a",),), {})) == {}


def test_shown_orders_that_dont_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="one order per ranking"):
        position_bias(Judged((ranking("ab"), ranking("ab")), (("a", "b"),), {}))
    with pytest.raises(ValueError, match="other conditions"):
        position_bias(Judged((ranking("ab"),), (("a", "c"),), {}))


def test_verbosity_by_hand() -> None:
    # Lengths a 10, b 20, c 20. In "bca" the longer one wins both unequal pairs, in "bac" one of two.
    lengths = {(c, q): n for q in ("q1", "q2") for c, n in (("a", 10), ("b", 20), ("c", 20))}
    values = verbosity(encode([ranking("bca", "q1"), ranking("bac", "q2")]), lengths, lengths)
    assert values["longer_wins"] == 0.75
    # Ranks of length (−1, ½, ½) against places (1, −1, 0) and (0, −1, 1): −1.5/√3 and 0.
    assert values["length_rank_correlation"] == pytest.approx(-np.sqrt(3) / 4), "longer answers rank better"


def test_length_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(1)
    names = "abcdef"
    rankings = [ranking("".join(rng.permutation(list(names))), f"q{q}") for q in range(20)]
    lengths = {(c, r.question_id): int(rng.integers(1, 5)) for r in rankings for c in names}
    expected = [
        spearmanr([lengths[c, r.question_id] for c in names], [r.order.index(c) for c in names]).statistic
        for r in rankings
    ]
    assert verbosity(encode(rankings), lengths, lengths)["length_rank_correlation"] == pytest.approx(np.mean(expected))


def test_equally_long_answers_say_nothing() -> None:
    values = verbosity(encode([ranking("ab")]), EQUAL, EQUAL)
    assert np.isnan(values["longer_wins"])
    assert np.isnan(values["length_rank_correlation"])
    assert verbosity(encode([ranking("ab")]), {}, {}) == {}


def test_a_missing_length_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\('b', 'q'\) is missing"):
        verbosity(encode([ranking("ab")]), {("a", "q"): 3}, {})
