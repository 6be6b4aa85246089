"""Every way of finding a Kemeny order must find the same ones, ties included."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest
import tennessee
from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts.ranking.notes import notes_of
from core.ranking.counts import Floats, wins_by_unit
from core.ranking.methods import linear_ordering
from core.ranking.methods.kemeny import (
    Consensus,
    brute_force,
    condorcet_blocks,
    dynamic_programme,
    integer_programme,
    kemeny,
    kemeny_batch,
)
from core.ranking.methods.linear_ordering import best_ordering, improved, votes_for


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


# ------------------------------------------------------------ more than can be tried or counted


def best_by_the_whole_programme(wins: Floats) -> float:
    """The optimum with all conditions against cycles at once."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    m = len(wins)
    rows, columns = np.triu_indices(m, 1)
    number = {pair: k for k, pair in enumerate(zip(rows.tolist(), columns.tolist(), strict=True))}
    triples = list(combinations(range(m), 3))
    matrix = np.zeros((len(triples), len(rows)))
    for line, (i, j, k) in zip(matrix, triples, strict=True):
        line[[number[i, j], number[j, k], number[i, k]]] = 1, 1, -1
    lead = (wins - wins.T)[rows, columns]
    whole = milp(-lead, integrality=np.ones(len(rows)), bounds=Bounds(0, 1), constraints=LinearConstraint(matrix, 0, 1))
    return float(wins.T[rows, columns].sum() - whole.fun)


@pytest.mark.parametrize(("conditions", "rankings"), [(14, 4), (17, 5), (20, 9)])
def test_conditions_that_are_added_as_they_are_broken_suffice(conditions: int, rankings: int) -> None:
    wins = wins_of(conditions, conditions, rankings)
    found = integer_programme(wins)
    assert found.agreement == pytest.approx(best_by_the_whole_programme(wins), abs=1e-6)
    assert found.agreement == votes_for(wins, found.order)
    assert found.gap == 0


def test_forty_five_conditions_in_cycles_are_solved() -> None:
    """A cycle of majorities with all of them in it, which took minutes with all conditions at once."""
    wins = wins_of(2, 45, 21)
    assert [len(block) for block in condorcet_blocks(wins)] == [45]
    found = best_ordering(wins)
    assert (found.gap, sorted(found.order)) == (0, list(range(45)))
    assert improved(wins, found.order) == found.order


@pytest.mark.parametrize("added", [1, 10, 40])
def test_work_that_ends_early_leaves_an_order_and_says_by_how_much_others_may_be_better(
    added: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wins = wins_of(1, 20, 5)
    best = integer_programme(wins)
    monkeypatch.setattr(linear_ordering, "MOST_ROUNDS", 1)
    monkeypatch.setattr(linear_ordering, "ADDED_AT_ONCE", added)
    found = kemeny(wins)
    assert sorted(found.order) == list(range(20))
    assert found.gap > 0
    assert found.agreement <= best.agreement <= found.agreement + found.gap + 1e-6
    assert (found.orders, found.counted) == (1, False)


def test_resamples_of_large_cycles_are_improved_and_called_unproven() -> None:
    wins = np.stack([wins_of(seed, 45, 21) for seed in range(3)])
    assert all(len(condorcet_blocks(one)) == 1 for one in wins)
    done: list[int] = []
    found = kemeny_batch(wins, lambda now, total: done.append(now))
    assert done == [1, 2, 3]
    assert not found.proven.any()
    for matrix, position, agreement in zip(wins, found.position, found.agreement, strict=True):
        order = tuple(int(i) for i in np.argsort(position))
        assert agreement == votes_for(matrix, order)
        assert agreement >= votes_for(matrix, tuple(int(i) for i in np.argsort(-matrix.sum(axis=1), kind="stable")))
        for start, end in product(range(45), repeat=2):
            moved = list(order)
            moved.insert(end, moved.pop(start))
            assert votes_for(matrix, tuple(moved)) <= agreement


def test_majorities_without_a_cycle_need_no_search() -> None:
    orders = np.array([range(9), range(9), [1, 0, *range(2, 9)]])
    wins = wins_by_unit(orders, np.zeros(3, dtype=np.int64), 1)
    found = kemeny_batch(wins)
    assert found.position.tolist() == [list(range(1, 10))]
    assert found.agreement.tolist() == [kemeny(wins[0]).agreement]
    assert found.proven.all()


def test_what_is_not_proven_is_said_under_the_board() -> None:
    detail = {"orders": 1.0, "orders_counted": 0.0, "gap": 2.5, "unproven_resamples": 7.0}
    notes = "; ".join(notes_of("kemeny", "questions", 100, {f"c{k}": k + 1 for k in range(45)}, detail))
    assert "the order is not proven the best: another may have up to 2.5 votes more for it" in notes
    assert "orders of 7 resamples are not proven the best" in notes
    assert "unique" not in notes
    assert "equally good" not in notes
