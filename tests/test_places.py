"""In which share of the resamples a condition has a place, and how often they have the order of the data."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_sample import write_sample

from core.facts.randomness import RandomStream
from core.random_arrays import integers
from core.ranking.counts import Floats, wins_by_unit
from core.ranking.files import read_file
from core.ranking.leaderboards import Leaderboard, leaderboards
from core.ranking.methods import kemeny as kemeny_module
from core.ranking.methods.kemeny import kemeny, kemeny_batch, same_orders
from core.ranking.places import places_by_score
from core.sections.who_judges import RankSection
from core.types import Ranking

Order = tuple[str, ...]


def boards(rankings: Sequence[Ranking], resamples: int, **section: object) -> dict[str, Leaderboard]:
    config = RankSection.model_validate({"resamples": resamples, **section})
    return {board.method: board for board in leaderboards(rankings, config, RandomStream(4, "rank"))}


def some_rankings(questions: int, judges: int, names: str = "abcd", seed: int = 1) -> list[Ranking]:
    generator = random.Random(seed)
    return [
        Ranking(
            f"{q}", 1, f"j#{j}", tuple(sorted(names, key=lambda name: "abcdefghi".index(name) / 4 + generator.random()))
        )
        for q in range(questions)
        for j in range(judges)
    ]


# ------------------------------------------------------------ by the definition, without arrays


def orders_of_scores(scores: dict[str, float]) -> list[Order]:
    """Every order in which nobody stands before one of a higher score."""
    return [order for order in permutations(sorted(scores)) if all(scores[a] >= scores[b] for a, b in pairwise(order))]


def borda_orders(rankings: Sequence[Ranking]) -> list[Order]:
    below = Counter(dict.fromkeys(rankings[0].order, 0))
    for one in rankings:
        below.update({name: len(one.order) - 1 - place for place, name in enumerate(one.order)})
    return orders_of_scores({name: float(n) for name, n in below.items()})


def kemeny_orders(rankings: Sequence[Ranking]) -> list[Order]:
    votes = Counter(pair for one in rankings for pair in combinations(one.order, 2))
    agreeing = {order: sum(votes[pair] for pair in combinations(order, 2)) for order in permutations(rankings[0].order)}
    return [order for order, agreement in agreeing.items() if agreement == max(agreeing.values())]


def resampled(rankings: Sequence[Ranking], resamples: int) -> Iterator[list[Ranking]]:
    """The rankings of the questions that each resample draws, from the stream that the stage draws them from."""
    asked = list(dict.fromkeys((one.clause_id, one.question_id) for one in rankings))
    of = {q: [one for one in rankings if (one.clause_id, one.question_id) == q] for q in asked}
    drawn = integers(RandomStream(4, "rank", "bootstrap"), len(asked), resamples * len(asked)).reshape(resamples, -1)
    for row in drawn:
        yield [one for k in row for one in of[asked[int(k)]]]


BY_DEFINITION = {"borda": borda_orders, "copeland": borda_orders, "kemeny": kemeny_orders}


def against_definition(rankings: Sequence[Ranking], resamples: int) -> None:
    found = boards(rankings, resamples, methods=list(BY_DEFINITION))
    names = sorted(rankings[0].order)
    samples = list(resampled(rankings, resamples))
    for method, orders_of in BY_DEFINITION.items():
        data = set(orders_of(rankings))
        shares, same = {name: [0.0] * len(names) for name in names}, 0.0
        for sample in samples:
            orders = orders_of(sample)
            same += len(data & set(orders)) / len(orders) / resamples
            for order in orders:
                for place, name in enumerate(order):
                    shares[name][place] += 1 / len(orders) / resamples
        assert found[method].detail["exact_match"] == pytest.approx(same, abs=1e-12), method
        for name in names:
            assert found[method].places[name] == pytest.approx(shares[name], abs=1e-12), (method, name)


@pytest.mark.parametrize(("questions", "judges"), [(7, 3), (4, 2), (2, 2), (12, 1)])
def test_places_are_what_the_resampled_rankings_give(questions: int, judges: int) -> None:
    """Few questions and even numbers of judges, so that conditions are tied and several orders are as good."""
    against_definition(some_rankings(questions, judges), 40)


def test_places_of_the_published_rankings(tmp_path: Path) -> None:
    """The 150 published rankings of six models."""
    against_definition(read_file(write_sample(tmp_path / "sample.jsonl")).rankings, 25)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.permutations(list("abcde")), min_size=1, max_size=9), st.integers(1, 4))
def test_every_condition_has_a_place_and_every_place_a_condition(orders: list[list[str]], questions: int) -> None:
    rankings = [Ranking(f"{k % questions}", 1, "j", tuple(order)) for k, order in enumerate(orders)]
    for method, board in boards(rankings, 12).items():
        shares = np.array([board.places[name] for name in "abcde"])
        assert shares.sum(axis=1) == pytest.approx(np.ones(5)), method
        assert shares.sum(axis=0) == pytest.approx(np.ones(5)), method
        assert 0 <= board.detail["exact_match"] <= 1 + 1e-12, method


def test_tied_conditions_share_their_places() -> None:
    samples = np.array(
        [[3.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.0, -np.inf], [0.0, 1.0, 2.0, 3.0], [1.0, 1.0 + 1e-12, 5, -np.inf]]
    )
    found = places_by_score(np.array([3.0, 2.0, 2.0, 0.0]), samples)
    third = 1 / 3
    by_hand = [[1, 0, 0, 0], [0, third, third, third], [0, third, third, third], [0, third, third, third]]
    others = [[[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]]
    others += [np.eye(4)[::-1].tolist(), [[0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0], [1, 0, 0, 0], [0, 0, 0, 1]]]
    assert found.shares == pytest.approx(np.mean([by_hand, *others], axis=0))
    # Of the 6 orders of the first, those with the last behind both: 2. Of the 2 of the second, one has b behind a.
    assert found.exact_match == pytest.approx((2 / 6 + 1 / 2 + 0 + 0) / 4)


def test_a_large_batch_is_what_its_parts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    score, samples = generator.integers(0, 3, 5).astype(float), generator.integers(0, 3, (50, 5)).astype(float)
    whole = places_by_score(score, samples)
    monkeypatch.setattr("core.ranking.places.CELLS_AT_ONCE", 7 * 25)
    parts = places_by_score(score, samples)
    assert parts.shares == pytest.approx(whole.shares)
    assert parts.exact_match == pytest.approx(whole.exact_match)


# ------------------------------------------------------------ several best orders


def wins_of(seed: int, conditions: int, rankings: int) -> Floats:
    generator = np.random.default_rng(seed)
    orders = np.array([generator.permutation(conditions) for _ in range(rankings)])
    return wins_by_unit(orders, np.zeros(rankings, dtype=np.int64), 1)[0]


def best_of(wins: Floats) -> set[tuple[int, ...]]:
    agreeing = {order: sum(wins[a, b] for a, b in combinations(order, 2)) for order in permutations(range(len(wins)))}
    return {order for order, agreement in agreeing.items() if agreement == max(agreeing.values())}


@pytest.mark.parametrize("brute_force", [7, 2])
def test_orders_that_are_best_in_both_are_counted(brute_force: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By trying all, and by dynamic programming, where no list of all best orders exists."""
    monkeypatch.setattr(kemeny_module, "LARGEST_BRUTE_FORCE", brute_force)
    shares = set()
    for seed in range(12):
        data = wins_of(seed, 4, 2 + seed % 3)
        batch = np.array([wins_of(100 * seed + k, 4, 2 + k % 3) for k in range(6)] + [data])
        found = same_orders(data, kemeny(data), batch, kemeny_batch(batch))
        expected = [len(best_of(data) & best_of(one)) / len(best_of(one)) for one in batch]
        assert found.tolist() == pytest.approx(expected)
        assert found[-1] == 1
        shares |= set(expected)
    assert shares - {0.0, 1.0}, "otherwise nothing is shared in part"


def test_with_many_conditions_places_are_still_whole() -> None:
    board = boards(some_rankings(6, 2, "abcdefghi"), 10, methods=["kemeny"])["kemeny"]
    shares = np.array([board.places[name] for name in "abcdefghi"])
    assert shares.sum(axis=0) == pytest.approx(np.ones(9))
    mean = shares @ np.arange(1, 10)
    assert [row.score for row in sorted(board.rows, key=lambda row: row.condition)] == pytest.approx(mean.tolist())


def test_the_note_says_how_often_the_order_is_found_again() -> None:
    board = boards([Ranking(f"{q}", 1, "j", ("a", "b")) for q in range(3)], 5)["borda"]
    assert board.notes[-1] == "100.0% of the resamples have this order"
    tied = boards([Ranking("1", 1, "j", ("a", "b")), Ranking("1", 1, "k", ("b", "a"))], 5)["kemeny"]
    assert tied.notes[-1] == "100.0% of the resamples have one of these"
    assert json.dumps(board.places) == '{"a": [1.0, 0.0], "b": [0.0, 1.0]}'
