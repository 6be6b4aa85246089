"""Every way of finding a Kemeny order must find the same ones, ties included."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import tennessee
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ranking.counts import Floats, wins_by_unit
from core.ranking.methods.kemeny import (
    Consensus,
    brute_force,
    condorcet_blocks,
    dynamic_programme,
    integer_programme,
    kemeny,
    kemeny_batch,
)


def wins_of(seed: int, conditions: int, rankings: int) -> Floats:
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(conditions) for _ in range(rankings)])
    return wins_by_unit(orders, np.zeros(rankings, dtype=np.int64), 1)[0]


def by_definition(wins: Floats) -> tuple[float, list[tuple[int, ...]]]:
    """The best agreement and all orders that attain it, straight from the definition."""
    scores = {
        order: sum(wins[a, b] for k, a in enumerate(order) for b in order[k + 1 :])
        for order in permutations(range(len(wins)))
    }
    best = max(scores.values())
    return best, [order for order, score in scores.items() if score == best]


def check(found: Consensus, wins: Floats) -> None:
    best, orders = by_definition(wins)
    places = np.mean([[order.index(i) + 1 for i in range(len(wins))] for order in orders], axis=0)
    assert found.agreement == best
    assert found.orders == len(orders)
    assert found.order == orders[0], "the first optimal order stands for all"
    shares = np.mean([np.eye(len(wins))[np.argsort(order)] for order in orders], axis=0)
    assert found.places == pytest.approx(shares)
    assert found.position.tolist() == pytest.approx(places.tolist())
    assert found.counted


def test_tennessee() -> None:
    found = kemeny(tennessee.wins())
    t = tennessee
    assert found.order == (t.NASHVILLE, t.CHATTANOOGA, t.KNOXVILLE, t.MEMPHIS)
    assert (found.agreement, found.orders) == (393.0, 1)


def test_a_cycle_ties_three_orders() -> None:
    orders = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    found = kemeny(wins_by_unit(orders, np.zeros(3, dtype=np.int64), 1)[0])
    assert (found.orders, found.agreement) == (3, 5.0)
    assert found.position.tolist() == pytest.approx([2, 2, 2])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6))
def test_brute_force_and_dynamic_programme_follow_the_definition(seed: int, conditions: int, rankings: int) -> None:
    wins = wins_of(seed, conditions, rankings)
    check(brute_force(wins), wins)
    check(dynamic_programme(wins), wins)
    batch, alone = kemeny_batch(wins[None]), brute_force(wins)
    assert batch.places[0] == pytest.approx(alone.places)
    assert (tuple(batch.order[0]), batch.orders[0], batch.agreement[0]) == (alone.order, alone.orders, alone.agreement)


@pytest.mark.parametrize("seed", range(12))
def test_blocks_keep_all_optimal_orders(seed: int) -> None:
    """Beyond seven conditions blocks are solved apart; the programme on the whole must agree."""
    conditions = 8 + seed % 3
    wins = wins_of(seed, conditions, 3 + seed % 4)
    whole, split = dynamic_programme(wins), kemeny(wins)
    assert (split.order, split.orders, split.agreement) == (whole.order, whole.orders, whole.agreement)
    assert split.position.tolist() == pytest.approx(whole.position.tolist())


def test_blocks_of_a_clear_order_with_one_cycle() -> None:
    # 4 above all, then the cycle 0 > 1 > 2 > 0, then 3.
    orders = np.array([[4, 0, 1, 2, 3], [4, 1, 2, 0, 3], [4, 2, 0, 1, 3]])
    wins = wins_by_unit(orders, np.zeros(3, dtype=np.int64), 1)[0]
    assert [block.tolist() for block in condorcet_blocks(wins)] == [[4], [0, 1, 2], [3]]


@pytest.mark.parametrize("seed", range(8))
def test_integer_programme_finds_the_optimum_and_its_ties(seed: int) -> None:
    wins = wins_of(seed, 9, 4 + seed % 2)
    expected, found = dynamic_programme(wins), integer_programme(wins)
    assert found.agreement == expected.agreement
    assert (found.orders == 1) == (expected.orders == 1)
    assert found.counted == (expected.orders == 1)


def test_sixteen_conditions_take_the_integer_programme_and_are_at_least_as_good_as_borda() -> None:
    wins = wins_of(3, 16, 5)
    found = kemeny(wins)
    by_borda = np.argsort(-wins.sum(axis=1), kind="stable")
    assert max(len(block) for block in condorcet_blocks(wins)) > 12, "otherwise this tests something else"
    assert found.agreement >= np.triu(wins[np.ix_(by_borda, by_borda)], 1).sum()
    assert sorted(found.order) == list(range(16))
    ordered = wins[np.ix_(found.order, found.order)]
    assert found.agreement == np.triu(ordered, 1).sum()


def test_opposite_rankings_tie_all_orders() -> None:
    orders = np.array([range(8), range(7, -1, -1)])
    found = dynamic_programme(wins_by_unit(orders, np.zeros(2, dtype=np.int64), 1)[0])
    assert found.orders == 40320
    assert found.position.tolist() == pytest.approx([4.5] * 8)
