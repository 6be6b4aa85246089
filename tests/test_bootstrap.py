"""Intervals: audited indices, the right units, the width that theory gives."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from core.facts.randomness import RANDOM_DOMAIN, RandomStream
from core.ranking.bootstrap import draw_weights, percentile_interval, weighted_wins
from core.ranking.counts import wins_by_unit
from core.ranking.leaderboards import Score, leaderboards
from core.sections.who_judges import RankSection
from core.types import Ranking


def silent(done: float, total: float, detail: str) -> None:
    """No progress."""


def agreeing_rankings(questions: int, judges: int, seed: int = 0) -> list[Ranking]:
    """Judges of a question give the same order; questions differ."""
    rng = np.random.default_rng(seed)
    orders = [tuple("abcd"[i] for i in rng.permutation(4)) for _ in range(questions)]
    return [Ranking(f"q{q}", q % 5, f"j#{j}", orders[q]) for q in range(questions) for j in range(judges)]


def borda_row(rankings: list[Ranking], resample: str, resamples: int = 1000) -> Score:
    config = RankSection.model_validate({"methods": ["borda"], "resample": resample, "resamples": resamples})
    (board,) = leaderboards(rankings, config, RandomStream(1, "rank"))
    return next(row for row in board.rows if row.condition == "a")


def test_indices_follow_from_the_seed_by_the_standard_library_alone() -> None:
    units, resamples = 7, 3
    digest = hashlib.sha256()
    for part in (RANDOM_DOMAIN, "5", "rank", "bootstrap"):
        digest.update(len(part).to_bytes(8, "big") + part.encode())
    words: list[int] = []
    for block in range(10):
        body = hashlib.sha256(digest.digest() + block.to_bytes(8, "big")).digest()
        words += [int.from_bytes(body[k : k + 8], "big") for k in (0, 8, 16, 24)]
    limit = 2**64 - 2**64 % units
    drawn = [word % units for word in words if word < limit]
    expected = [[drawn[b * units : (b + 1) * units].count(u) for u in range(units)] for b in range(resamples)]
    weights = draw_weights(units, resamples, RandomStream(5, "rank"), silent)
    assert weights.tolist() == [[1] * units, *expected]


def test_drawing_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw_weights(11, 40, RandomStream(2, "rank"), silent)
    monkeypatch.setattr("core.ranking.bootstrap.DRAWN_AT_ONCE", 33)
    monkeypatch.setattr("core.ranking.bootstrap.CELLS_AT_ONCE", 50)
    stream = RandomStream(2, "rank")
    stream.word()
    pieces = draw_weights(11, 40, stream, silent)
    assert pieces.tolist() == whole.tolist(), "a stream that was used before gives the same resamples"
    assert (whole.sum(axis=1) == 11).all()
    wins = np.random.default_rng(0).integers(0, 9, (11, 3, 3)).astype(float)
    assert weighted_wins(whole, wins).tolist() == np.tensordot(whole.astype(float), wins, axes=1).tolist()


def test_weighted_wins_are_the_wins_of_the_resampled_rankings() -> None:
    rng = np.random.default_rng(4)
    orders = np.array([rng.permutation(4) for _ in range(12)])
    unit = np.repeat(np.arange(4), 3)
    weights = draw_weights(4, 5, RandomStream(0, "rank"), silent)
    sums = weighted_wins(weights, wins_by_unit(orders, unit, 4))
    for b in range(6):
        resampled = np.concatenate([orders[unit == u] for u in range(4) for _ in range(weights[b, u])])
        assert sums[b].tolist() == wins_by_unit(resampled, np.zeros(len(resampled), dtype=np.int64), 1)[0].tolist()


def test_width_is_that_of_the_normal_approximation() -> None:
    rankings = agreeing_rankings(400, 1)
    per_question = np.array([3 - r.order.index("a") for r in rankings])
    row = borda_row(rankings, "questions")
    expected = 2 * 1.96 * per_question.std() / np.sqrt(400)
    assert row.high - row.low == pytest.approx(expected, rel=0.12)
    assert row.low < per_question.mean() < row.high


def test_questions_give_wider_intervals_than_rankings_when_judges_agree() -> None:
    """Five judges who always agree are one judge: the honest interval is √5 times as wide."""
    rankings = agreeing_rankings(200, 5)
    by_question, by_ranking = borda_row(rankings, "questions"), borda_row(rankings, "rankings")
    ratio = (by_question.high - by_question.low) / (by_ranking.high - by_ranking.low)
    assert ratio == pytest.approx(np.sqrt(5), rel=0.12)


def test_one_judge_per_question_makes_no_difference() -> None:
    rankings = agreeing_rankings(50, 1)
    assert borda_row(rankings, "questions", 50) == borda_row(rankings, "rankings", 50)


def test_clauses_are_resampled_whole() -> None:
    """All rankings of a clause equal and two clauses: a resample is one, the other, or both."""
    rankings = [Ranking(f"{c}:{q}", c, "j", ("a", "b") if c == 1 else ("b", "a")) for c in (1, 2) for q in range(30)]
    row = borda_row(rankings, "clauses")
    assert (row.score, row.low, row.high) == (0.5, 0.0, 1.0)


def test_percentiles_with_infinite_samples_are_order_statistics() -> None:
    samples = np.array([[-np.inf], [-np.inf], [1.0], [2.0]] * 10)
    low, high = percentile_interval(samples, 0.025)
    assert (low.tolist(), high.tolist()) == ([-np.inf], [2.0])


def test_percentiles_are_interpolated() -> None:
    low, high = percentile_interval(np.arange(101.0)[:, None], 0.025)
    assert (low[0], high[0]) == pytest.approx((2.5, 97.5))


def test_a_confidence_is_no_tail() -> None:
    with pytest.raises(ValueError, match=r"0\.95\): a tail is a share"):
        percentile_interval(np.arange(10.0)[:, None], 0.95)
