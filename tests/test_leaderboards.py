"""Leaderboards as a whole: every method, any names, any degenerate input."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.facts.ranking.positions import positions_by
from core.random_arrays import integers
from core.ranking.leaderboards import Leaderboard, leaderboards
from core.sections.who_judges import RankSection
from core.types import Ranking

METHODS = RankSection().methods


def boards(rankings: list[Ranking], resamples: int = 20, **section: object) -> dict[str, Leaderboard]:
    config = RankSection.model_validate({"resamples": resamples, **section})
    return {board.method: board for board in leaderboards(rankings, config, RandomStream(0, "rank"))}


def noisy_rankings(questions: int, names: str = "abcde", judges: int = 3, seed: int = 0) -> list[Ranking]:
    """Earlier names are better on average."""
    rng = np.random.default_rng(seed)
    ability = np.linspace(1, -1, len(names))
    found = []
    for q in range(questions):
        shared = ability + rng.gumbel(size=len(names))
        for j in range(judges):
            order = np.argsort(-(shared + 0.3 * rng.gumbel(size=len(names))))
            found.append(Ranking(f"{q}", q % 4, f"j#{j}", tuple(names[i] for i in order)))
    return found


def test_all_methods_find_the_best_and_the_worst() -> None:
    for board in boards(noisy_rankings(150)).values():
        assert [row.condition for row in board.rows][::4] == ["a", "e"], board.method
        assert [row.position for row in board.rows] == sorted(row.position for row in board.rows)
        for row in board.rows:
            assert row.low <= row.high
        assert "; ".join(board.notes).startswith("checkpoints held fixed: intervals resample questions (150 of them)")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.permutations(list("abcd")), min_size=3, max_size=12), st.permutations(list("abcd")))
def test_names_do_not_matter(orders: list[list[str]], renamed: list[str]) -> None:
    """Relabelling conditions relabels the leaderboards and changes nothing else."""
    new = dict(zip("abcd", renamed, strict=True))
    before = boards([Ranking(f"{k}", 1, "j", tuple(o)) for k, o in enumerate(orders)], 8)
    after = boards([Ranking(f"{k}", 1, "j", tuple(new[c] for c in o)) for k, o in enumerate(orders)], 8)
    for method in METHODS:
        expected = {new[row.condition]: row for row in before[method].rows}
        for row in after[method].rows:
            own = expected[row.condition]
            assert row.position == own.position, method
            assert (row.score, row.low, row.high) == pytest.approx((own.score, own.low, own.high), abs=1e-7), method


@settings(max_examples=15, deadline=None)
@given(st.permutations(list("abcd")), st.integers(1, 6))
def test_unanimous_rankings_win_with_every_method(order: list[str], questions: int) -> None:
    for board in boards([Ranking(f"{q}", 1, "j", tuple(order)) for q in range(questions)], 5).values():
        assert [row.condition for row in board.rows] == order, board.method


def test_a_resample_is_what_the_method_says_of_the_resampled_rankings() -> None:
    """With one resample an interval is a point: the scores of the rankings that were drawn."""
    rankings = noisy_rankings(9)
    drawn = [int(q) for q in integers(RandomStream(0, "rank", "bootstrap"), 9, 9)]
    resampled = [r for q in drawn for r in rankings if r.question_id == str(q)]
    one, again = boards(rankings, 1), boards(resampled, 1)
    for method in (
        "borda",
        "copeland",
        "copeland_majority",
        "bradley_terry",
        "plackett_luce",
        "plackett_luce_published",
    ):
        expected = {row.condition: row.score for row in again[method].rows}
        for row in one[method].rows:
            assert row.low == row.high == pytest.approx(expected[row.condition], abs=1e-7), method
    for row in one["kemeny"].rows:
        assert row.low == pytest.approx(again["kemeny"].detail[f"consensus:{row.condition}"])


def test_rankings_of_a_question_may_come_in_any_order() -> None:
    rankings = noisy_rankings(12)
    within = sorted(rankings, key=lambda r: (int(r.question_id), r.judge), reverse=False)
    shuffled = [r for q in range(12) for r in random.Random(q).sample(within[3 * q : 3 * q + 3], 3)]
    one, other = boards(rankings), boards(shuffled)
    for method in set(METHODS) - {"mallows"}:
        assert one[method].rows == other[method].rows


def test_equal_scores_share_the_better_position() -> None:
    assert positions_by(-np.array([3.0, 5.0, 5.0 + 1e-12, 1.0])) == [3, 1, 1, 4]
    assert positions_by(-np.array([3.0, -np.inf, -np.inf])) == [1, 2, 2]
    assert positions_by([1.5, 1.5, 3.0]) == [1, 1, 3]
    tied = boards([Ranking("1", 1, "j", ("a", "b", "c")), Ranking("1", 1, "k", ("b", "a", "c"))])["borda"]
    assert [(row.condition, row.position) for row in tied.rows] == [("a", 1), ("b", 1), ("c", 3)]
    assert "equal scores share the better position: a = b" in "; ".join(tied.notes)


def test_one_condition() -> None:
    for board in boards([Ranking("1", 1, "j", ("a",)), Ranking("2", 1, "j", ("a",))]).values():
        (row,) = board.rows
        expected = 1.0 if board.method in ("kemeny", "mallows") else 0.0
        assert (row.score, row.low, row.high, row.position) == (expected, expected, expected, 1)


def test_one_ranking_of_two_conditions() -> None:
    for board in boards([Ranking("1", 1, "j", ("b", "a"))]).values():
        assert [row.condition for row in board.rows] == ["b", "a"]
        assert not any(math.isnan(x) for row in board.rows for x in (row.score, row.low, row.high))
        assert not any(math.isnan(x) for x in board.detail.values())
        assert "there is only one question, so intervals have no width" in "; ".join(board.notes)


def test_conditions_that_always_win_are_said_to() -> None:
    found = boards([Ranking(f"{q}", 1, "j", ("a", "b", "c") if q % 2 else ("a", "c", "b")) for q in range(8)])
    for method in ("bradley_terry", "bradley_terry_majority", "plackett_luce"):
        assert "no finite estimate exists" in "; ".join(found[method].notes)
        assert found[method].detail["separable"] == 1
        assert all(math.isfinite(x) for row in found[method].rows for x in (row.score, row.low, row.high))


def test_separable_resamples_are_counted_where_the_data_are_not() -> None:
    rankings = [Ranking(f"{q}", 1, "j", ("a", "b")) for q in range(5)] + [Ranking("5", 1, "j", ("b", "a"))]
    board = boards(rankings, 200)["bradley_terry"]
    # A resample misses question 5 with probability (5/6)^6 = 0.335, and draws only it with 1/46656.
    assert board.detail["separable"] == 0
    assert board.detail["separable_resamples"] == pytest.approx(67, abs=25)
    assert f"no finite estimate exists in {int(board.detail['separable_resamples'])} resamples" in "; ".join(
        board.notes
    )


def test_weights_that_vanish_are_said_to() -> None:
    board = boards([Ranking(f"{q}", 1, "j", ("a", "b", "c") if q % 2 else ("b", "a", "c")) for q in range(8)])[
        "plackett_luce_published"
    ]
    assert board.rows[-1].condition == "c"
    assert board.rows[-1].score == -math.inf
    assert "its score is -inf there" in "; ".join(board.notes)
    assert board.detail["vanished"] == 1


def test_an_iteration_that_does_not_settle_is_said_to() -> None:
    board = boards([Ranking("1", 1, "j", ("a", "b"))], 3)["plackett_luce_published"]
    assert board.detail["settled"] == 0
    assert "did not settle in the data as given and 3 resamples" in "; ".join(board.notes)


def test_majority_level_detail_counts_questions() -> None:
    """Three judges, two of whom agree: the majority of each question decides, as in the paper's tables."""
    rankings = [Ranking(f"{q}", 1, f"j#{j}", ("a", "b") if j < 2 else ("b", "a")) for q in range(3) for j in range(3)]
    rankings += [Ranking("3", 1, "j#0", ("b", "a"))]
    found = boards(rankings)
    assert found["copeland"].detail["win_rate:a"] == pytest.approx(6 / 10)
    assert found["copeland"].detail["majority_win_rate:a"] == pytest.approx(3 / 4)
    assert found["bradley_terry"].detail["majority:a"] == pytest.approx(math.log(3) / 2)


PRINTED = {
    "table 3": {9004: 0.339, 7565: 0.014, 7561: 0.013, 7388: -0.025, 6874: -0.141, 6608: -0.201},
    "table 4": {7016: 0.274, 6112: 0.030, 5874: -0.034, 5812: -0.051, 5186: -0.219},
    "table 6": {6398: 0.107, 6336: 0.090, 6095: 0.025, 5707: -0.078, 5464: -0.143},
    "table 10": {5281: 0.264, 4674: 0.058, 4299: -0.068, 3746: -0.255},
}
"""Bradley–Terry from the wins that the paper prints, out of 3,000 questions a pair; what it prints as scores are means
over its resamples, which differ in the last digit (-.220, -.144 and .059)."""


def questions_won(wins: list[int]) -> list[Ranking]:
    """3,000 questions with one ranking each, by which the conditions win so often: two in a random order change places
    where the lower one still lacks wins and the upper one has too many."""
    names = range(len(wins))
    orders = [random.Random(q).sample(names, len(wins)) for q in range(3000)]
    lacks = [own - sum(len(wins) - 1 - order.index(k) for order in orders) for k, own in enumerate(wins)]
    for order in orders:
        for high, low in combinations(names, 2):
            upper, lower, step = order[high], order[low], low - high
            if lacks[upper] <= -step and lacks[lower] >= step:
                order[high], order[low] = lower, upper
                lacks[upper], lacks[lower] = lacks[upper] + step, lacks[lower] - step
    assert not any(lacks)
    return [Ranking(f"{q}", 1, "j", tuple(map(str, order))) for q, order in enumerate(orders)]


@pytest.mark.parametrize("table", PRINTED)
def test_bradley_terry_of_the_published_wins(table: str) -> None:
    """With as many questions for each pair, the estimate depends on nothing but how often each condition wins."""
    wins = list(PRINTED[table])
    board = boards(questions_won(wins), 5, methods=["bradley_terry_majority"])["bradley_terry_majority"]
    assert {int(board.detail[f"wins:{row.condition}"]): round(row.score, 3) for row in board.rows} == PRINTED[table]


@pytest.mark.parametrize("resample", ["questions", "rankings", "clauses"])
def test_majorities_are_of_whole_questions_whatever_is_resampled(resample: str) -> None:
    rankings = noisy_rankings(9)
    whole = {"questions": [[q] for q in range(9)], "clauses": [list(range(c, 9, 4)) for c in range(4)]}
    units = whole.get(resample, whole["questions"])
    drawn = [units[int(u)] for u in integers(RandomStream(0, "rank", "bootstrap"), len(units), len(units))]
    copies = [
        replace(one, question_id=f"{k}")
        for k, q in enumerate(chain.from_iterable(drawn))
        for one in rankings
        if one.question_id == f"{q}"
    ]
    method = "bradley_terry_majority"
    board, again = boards(rankings, 1, resample=resample)[method], boards(copies, 1)[method]
    assert (board.resample, board.units) == ("questions" if resample == "rankings" else resample, len(units))
    assert f"intervals resample {board.resample} ({len(units)} of them)" in board.notes[0]
    scores = {row.condition: row.score for row in again.rows}
    for row in board.rows:
        assert row.low == row.high == pytest.approx(scores[row.condition], abs=1e-7)


def test_mallows_holds_out_a_fifth() -> None:
    board = boards(noisy_rankings(20))["mallows"]
    assert (board.detail["train_rankings"], board.detail["held_out_rankings"]) == (48, 12)
    assert board.detail["phi_low"] <= board.detail["phi"] <= board.detail["phi_high"] + 0.2
    assert -math.log(math.factorial(5)) < board.detail["held_out_log_likelihood"] < 0, "better than a uniform guess"


def test_mallows_by_hand() -> None:
    """Of ten rankings the split holds out numbers 3 and 7; two of the eight others disagree with the consensus."""
    orders = {3: "ba", 7: "ba", 0: "ba", 1: "ba"}
    rankings = [Ranking(f"{k}", 1, "j", tuple(orders.get(k, "ab"))) for k in range(10)]
    detail = boards(rankings)["mallows"].detail
    assert detail["mean_distance"] == pytest.approx(2 / 8)
    assert detail["phi"] == pytest.approx(math.log(3)), "E_φ[d] = 1/(1 + e^φ) for two conditions"
    assert detail["held_out_log_likelihood"] == pytest.approx(math.log(1 / 4))
    assert detail["held_out_log_likelihood_total"] == pytest.approx(2 * math.log(1 / 4))
    assert (detail["consensus:a"], detail["consensus:b"]) == (1, 2)


def test_mallows_with_no_train_ranking_in_a_resample() -> None:
    """Five questions, one of them held out: some resamples hold nothing else. Nothing may become NaN."""
    rankings = [Ranking(f"{q}", 1, "j", ("a", "b") if q else ("b", "a")) for q in range(5)]
    board = boards(rankings, 20_000, methods=["mallows"])["mallows"]
    assert all(math.isfinite(x) for row in board.rows for x in (row.score, row.low, row.high))
    assert not any(math.isnan(x) for x in board.detail.values())


def test_rankings_of_different_conditions_are_refused() -> None:
    with pytest.raises(InputError, match="question '2'.*lacks: 'b'"):
        boards([Ranking("1", 1, "j", ("a", "b")), Ranking("2", 1, "j", ("a",))])
    with pytest.raises(InputError, match="there are no rankings"):
        boards([])


def test_progress_is_reported() -> None:
    seen: list[tuple[float, float, str]] = []
    config = RankSection.model_validate({"resamples": 10})
    leaderboards(noisy_rankings(5), config, RandomStream(0, "rank"), lambda *args: seen.append(args))
    assert (10, 10, "drawing resamples") in seen


@pytest.mark.long
def test_a_full_evaluation_takes_seconds() -> None:
    """15,000 rankings of seven conditions, all methods, 1,000 resamples: about a second on one core."""
    import time

    rankings = noisy_rankings(3000, "abcdefg", judges=5)
    begun = time.process_time()
    boards(rankings, 1000)
    assert time.process_time() - begun < 45
