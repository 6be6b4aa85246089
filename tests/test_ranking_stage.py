"""The stage: what it records, and that a resumed run says the same."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.errors import InputError, Stopped
from core.events import (
    AgreementComputed,
    DiagnosticsComputed,
    JuryBoard,
    LeaderboardComputed,
    LeaderboardRow,
    SeedDerived,
    StagePlanned,
)
from core.facts.randomness import RandomStream
from core.ranking.leaderboards import leaderboards
from core.ranking.stage import rank
from core.sections.who_judges import RankSection
from core.types import Judged, Ranking

ORDERS = ["abc", "acb", "bac", "abc", "cab", "abc"]


LENGTHS = {(c, f"1:{q}"): n + q for q in range(len(ORDERS)) for c, n in (("a", 9), ("b", 5), ("c", 5))}


def config() -> RunConfig:
    values = {"run": {"name": "test", "seed": 3}, "data": {"path": "data"}, "rank": {"resamples": 30}}
    return RunConfig.model_validate(values)


def judged(orders: list[str] = ORDERS) -> Judged:
    return Judged(
        rankings=tuple(Ranking(f"1:{k // 2}", 1, f"m#{k % 2}", tuple(order)) for k, order in enumerate(orders)),
        shown=tuple(tuple("cab") for _ in orders),
        lengths=LENGTHS,
        words={answer: length // 3 for answer, length in LENGTHS.items()},
    )


def test_every_method_and_the_diagnostics_are_recorded(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    boards = rank(make_context("rank", config(), tmp_path, recorder), judged())
    recorded = recorder.of_kind(LeaderboardComputed)
    assert [event.method for event in recorded] == list(RankSection().methods)
    others = "four about judges, pairs, robustness, agreement"
    assert recorder.of_kind(StagePlanned)[0].units == len(recorded) + 7, others
    assert list(boards) == recorded
    (diagnostics,) = recorder.of_kind(DiagnosticsComputed)
    assert {"kendall_tau", "fleiss_kappa_first", "shown_rank_correlation", "longer_wins"} <= set(diagnostics.values)
    assert not recorder.of_kind(SeedDerived), "the stage's seed is recorded by run_stage"


def test_the_same_intervals_as_without_a_run(tmp_path: Path) -> None:
    """`dempo rank` on exported rankings with the run's seed must reproduce the run's leaderboards."""
    recorded = rank(make_context("rank", config(), tmp_path), judged())
    boards = leaderboards(judged().rankings, config().rank, RandomStream(3, "rank"))
    assert [board.method for board in boards] == [event.method for event in recorded]
    for board, event in zip(boards, recorded, strict=True):
        assert [LeaderboardRow(**vars(row)) for row in board.rows] == event.rows


def test_a_resumed_stage_redoes_only_what_is_missing(tmp_path: Path) -> None:
    whole = MemoryRecorder()
    expected = rank(make_context("rank", config(), tmp_path / "whole", whole), judged())
    cut = MemoryRecorder(events=[e for e in whole.events if e[2] is None or e[2][0] in ("diagnostics", "borda")])
    assert rank(make_context("rank", config(), tmp_path / "cut", cut), judged()) == expected
    assert len([e for e in cut.of_kind(LeaderboardComputed) if e.method == "borda"]) == 1


def several_judges() -> Judged:
    found = judged()
    rankings = tuple(replace(one, judge=f"{'mno'[k % 3]}#0") for k, one in enumerate(found.rankings))
    return replace(found, rankings=rankings)


def test_a_resumed_jury_redoes_only_what_is_missing(tmp_path: Path) -> None:
    whole = MemoryRecorder()
    rank(make_context("rank", config(), tmp_path / "whole", whole), several_judges())
    expected = whole.of_kind(JuryBoard)
    assert len(expected) == 12
    assert whole.of_kind(StagePlanned)[0].units == len(RankSection().methods) + 7 + len(expected)
    about = ("pairwise", "robustness", "diagnostics", "questions", "clauses", "length", "agreement")
    kept = (*RankSection().methods, *about, "jury/borda/only/n")
    cut = MemoryRecorder(events=[e for e in whole.events if e[2] is None or e[2][0] in kept])
    rank(make_context("rank", config(), tmp_path / "cut", cut), several_judges())
    assert sorted(map(repr, cut.of_kind(JuryBoard))) == sorted(map(repr, expected))
    assert len(cut.of_kind(AgreementComputed)) == 1


def test_infinite_scores_and_undefined_agreement_survive_the_record(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    one_sided = judged(["abc", "bac"])
    boards = rank(make_context("rank", config(), tmp_path, recorder), one_sided)
    published = next(board for board in boards if board.method == "plackett_luce_published")
    assert (published.rows[-1].condition, published.rows[-1].score) == ("c", "-inf")
    assert float(published.rows[-1].score) == -math.inf
    recorder = MemoryRecorder()
    rank(make_context("rank", config(), tmp_path / "single", recorder), judged(["abc"]))
    assert recorder.of_kind(DiagnosticsComputed)[-1].values["kendall_tau"] == "nan"


def test_no_rankings_are_refused_and_nothing_is_recorded_of_them(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with pytest.raises(InputError, match="every judge call failed"):
        rank(make_context("rank", config(), tmp_path, recorder), Judged((), (), {}))
    assert not recorder.of_kind(LeaderboardComputed)


def test_a_stop_request_is_heeded(tmp_path: Path) -> None:
    ctx = make_context("rank", config(), tmp_path)
    ctx.folder.stop_request.touch()
    with pytest.raises(Stopped):
        rank(ctx, judged())
