"""Rankings become sums; a wrong sum would bend every leaderboard."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.ranking.counts import choices_by_unit, encode, majorities_of, strongly_connected, wins_by_unit
from core.types import Ranking


def ranking(order: str, question: str = "1:1", judge: str = "j") -> Ranking:
    return Ranking(question, 1, judge, tuple(order))


def test_wins_of_two_rankings_by_hand() -> None:
    ballots = encode([ranking("abc"), ranking("cab")])
    wins = wins_by_unit(ballots.orders, np.zeros(2, dtype=np.int64), 1)[0]
    assert wins.tolist() == [[0, 2, 1], [0, 0, 1], [1, 1, 0]]


def test_units_are_questions_of_one_clause() -> None:
    ballots = encode(
        [Ranking("1", 1, "j", ("a", "b")), Ranking("1", 2, "j", ("b", "a")), Ranking("1", 1, "k", ("a", "b"))]
    )
    assert ballots.question.tolist() == [0, 1, 0], "questions of different clauses may share an id"
    assert ballots.clause.tolist() == [0, 1, 0]


def test_majorities_count_questions_and_ties_as_halves() -> None:
    wins = np.array([[[0, 3], [2, 0]], [[0, 5], [0, 0]], [[0, 1], [1, 0]]], dtype=float)
    assert majorities_of(wins).tolist() == [[[0, 1], [0, 0]], [[0, 1], [0, 0]], [[0, 0.5], [0.5, 0]]]


@given(st.lists(st.permutations(range(5)), min_size=1, max_size=20))
def test_choices_are_what_a_walk_through_the_rankings_counts(orders: list[list[int]]) -> None:
    expected = Counter((frozenset(order[t:]), order[t]) for order in orders for t in range(5))
    choices = choices_by_unit(np.array(orders), np.arange(len(orders)), len(orders))
    totals = choices.counts.toarray().sum(axis=0)
    found = {
        (frozenset(np.flatnonzero(choices.sets[s]).tolist()), int(i)): int(n)
        for s, i, n in zip(choices.set_of, choices.chosen, totals, strict=True)
    }
    assert found == dict(expected)


@pytest.mark.parametrize(
    ("orders", "connected"),
    [(("abc",), False), (("abc", "cba"), True), (("abc", "acb"), False), (("abc", "bca"), True)],
)
def test_strongly_connected(orders: tuple[str, ...], connected: bool) -> None:
    ballots = encode([ranking(order) for order in orders])
    wins = wins_by_unit(ballots.orders, np.zeros(len(orders), dtype=np.int64), 1)
    assert strongly_connected(wins).tolist() == [connected]


def test_a_long_chain_back_is_found() -> None:
    m = 40
    wins = np.zeros((1, m, m))
    wins[0, np.arange(m), (np.arange(m) + 1) % m] = 1
    assert strongly_connected(wins)[0]
    wins[0, m - 1, 0] = 0
    assert not strongly_connected(wins)[0]


@pytest.mark.parametrize(
    ("rankings", "message"),
    [
        ([], "there are no rankings"),
        ([ranking("abc"), ranking("ab", "1:2")], r"question '1:2', judge 'j'.*lacks: 'c'"),
        ([ranking("abc"), ranking("abd")], "lacks: 'c'; has besides: 'd'"),
        ([ranking("aab")], "names twice: 'a'"),
        ([Ranking("1:1", 1, "j", ())], "0 conditions"),
    ],
)
def test_rankings_that_cannot_be_aggregated_are_refused(rankings: list[Ranking], message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode(rankings)
