"""Intervals of few units are expanded by Student's t; a board says which intervals it has, and both verifiers agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from both_verifiers import shipped
from paper_judging import write_judging
from rewritten import Row, forged
from scipy import stats
from tampering import edited, tampered
from test_intervals import by_counting, by_numpy, numbers, rankings

from core.events import LeaderboardComputed
from core.facts.ranking.intervals import (
    EXPANDED,
    EXPANDED_BELOW,
    NO_INTERVAL,
    PERCENTILE,
    interval_kind,
    student_quantile,
    tail_of,
)
from core.facts.ranking.notes import notes_of
from core.ranking.bootstrap import percentile_interval
from core.ranking.leaderboards import _ESTIMATORS
from core.ranking.stage import board_event
from core.sections.who_judges import RankSection
from storage.check import Check
from storage.checks_ranking import _OrWithNumpy


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 9, 10, 31, 48])
def test_students_quantiles_are_those_of_scipy(degrees: int) -> None:
    for probability in (0.5001, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9995):
        expected = stats.t.ppf(probability, degrees)
        assert student_quantile(probability, degrees) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("units", [3, 5, 20, 49])
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99])
def test_tails_are_those_of_hesterberg(units: int, confidence: float) -> None:
    """qnorm and qt of the paper; and between them what a mean needs: its t interval, from a bootstrap without noise."""
    t = stats.t.ppf((1 + confidence) / 2, units - 1)
    tail = tail_of(confidence, units)
    assert tail == pytest.approx(stats.norm.cdf(-math.sqrt(units / (units - 1)) * t), rel=1e-9)
    of_means = stats.norm.isf(tail) * math.sqrt((units - 1) / units)
    assert of_means == pytest.approx(t, rel=1e-9)


def test_with_fifty_units_or_with_one_percentiles_are_left_alone() -> None:
    for units in (1, EXPANDED_BELOW, 3000):
        assert tail_of(0.9, units) == pytest.approx(0.05)
        assert interval_kind("borda", 5, units, False) == PERCENTILE
    assert tail_of(0.9, 20) < tail_of(0.9, 49) < 0.05
    assert tail_of(0.9, 20, plain=True) == pytest.approx(0.05)
    assert interval_kind("borda", 5, 49, False) == EXPANDED


def test_a_board_of_few_questions_has_wider_intervals_and_says_so() -> None:
    config = RankSection(resamples=200)
    few = by_numpy(rankings(4, 12, 3), config)
    for method in config.methods:
        board = few.leaderboard(method)
        assert board.interval == EXPANDED
        assert "percentiles are expanded by Student's t, since those of fewer than 50 questions" in "; ".join(
            board.notes
        )
        samples = _ESTIMATORS[method](few).samples
        low, high = percentile_interval(samples, tail_of(0.95, 12))
        by_name = {row.condition: row for row in board.rows}
        rows = [by_name[name] for name in few.ballots.conditions]
        assert ([row.low for row in rows], [row.high for row in rows]) == (low.tolist(), high.tolist())
        plain = np.quantile(samples, [0.025, 0.975], axis=0) if np.isfinite(samples).all() else (low, high)
        assert (low <= plain[0]).all()
        assert (high >= plain[1]).all()
    many = by_numpy(rankings(4, 60, 3), config).leaderboard("borda")
    assert many.interval == PERCENTILE
    assert "expanded" not in "; ".join(many.notes)


# ------------------------------------------------------------ the published Plackett-Luce of many conditions


def thirteen(questions: int = 8) -> list[Any]:
    from core.types import Ranking

    rng = np.random.default_rng(2)
    return [Ranking(str(q), 1, "j", tuple(f"c{i:02d}" for i in rng.permutation(13))) for q in range(questions)]


def test_above_twelve_conditions_the_published_iteration_has_no_intervals_unless_asked() -> None:
    left_out = by_numpy(thirteen(), RankSection(resamples=5)).leaderboard("plackett_luce_published")
    asked_for = RankSection(resamples=5, published_intervals=True)
    given = by_numpy(thirteen(), asked_for).leaderboard("plackett_luce_published")
    assert left_out.interval == NO_INTERVAL
    assert all(math.isnan(row.low) and math.isnan(row.high) for row in left_out.rows)
    assert [row.score for row in left_out.rows] == pytest.approx([row.score for row in given.rows], rel=1e-12)
    asks = "rank.published_intervals = true, or `dempo rank --published-intervals`, asks for them"
    assert left_out.notes[0] == f"no intervals above 12 conditions: {asks}"
    assert not [name for name in left_out.detail if "resamples" in name]
    assert given.interval == EXPANDED
    assert not any(math.isnan(row.low) or math.isnan(row.high) for row in given.rows)
    event = board_event(left_out, 8)
    assert {row.low for row in event.rows} == {"nan"}
    assert LeaderboardComputed.model_validate(event.model_dump()).interval == NO_INTERVAL


@pytest.mark.parametrize("asked", [False, True])
def test_the_program_derives_boards_with_and_without_them(asked: bool) -> None:
    config = RankSection(resamples=5, published_intervals=asked)
    counted = by_counting(thirteen(), config, texts=False)
    again = _OrWithNumpy(**{**vars(counted), "published_intervals": asked})
    board = by_numpy(thirteen(), config).leaderboard("plackett_luce_published")
    assert again.derived("plackett_luce_published") == pytest.approx(numbers(board), nan_ok=True)
    assert again.interval_kind("plackett_luce_published") == board.interval


def test_asking_for_nothing_leaves_no_trace_in_the_configuration() -> None:
    """A run of before, which had no such setting, keeps its keys."""
    assert RankSection(published_intervals=False) == RankSection()
    assert RankSection().model_dump(exclude_none=True).keys().isdisjoint({"published_intervals"})


def test_a_board_without_intervals_holds_nothing_fixed() -> None:
    notes = notes_of("plackett_luce_published", "questions", 40, {"a": 1}, {}, interval=NO_INTERVAL)
    assert not [note for note in notes if "checkpoints" in note or "expanded" in note]


# ------------------------------------------------------------ records


def estimates(root: Path) -> Check:
    return next(
        Check(**check.row()) for check in shipped().verify_alone(root, shipped().WRITTEN) if check.name == "estimates"
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("small") / "20260101-000000-paper"
    write_judging(root, questions=6, resamples=10)
    return root


def _named(kind: Any) -> Callable[[list[Row]], list[Row]]:
    def changed(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "leaderboard.computed":
                assert row.payload.pop("interval") == EXPANDED
                row.payload |= {} if kind is None else {"interval": kind}
        return rows

    return changed


def test_a_record_names_its_intervals_and_another_name_is_found(small: Path, tmp_path: Path) -> None:
    assert estimates(small).verdict == "ok"
    found = estimates(
        tampered(small, tmp_path, edited("leaderboard.computed", lambda v: v.update(interval=PERCENTILE)))
    )
    assert found.verdict == "failed"
    assert "the kind of its intervals" in found.detail


def test_intervals_that_are_not_named_are_percentiles(small: Path, tmp_path: Path) -> None:
    """As the first version of the stage has them: expanded ones are not what it would have recorded."""
    found = estimates(forged(small, tmp_path, _named(None)))
    assert found.verdict == "failed"
    assert "low' is" in found.detail


def test_records_of_the_first_version_have_their_percentiles(small: Path, tmp_path: Path) -> None:
    plain = by_first_version(small, tmp_path)
    assert estimates(plain).verdict == "ok"


def by_first_version(root: Path, folder: Path) -> Path:
    """The record as that version would have made it."""
    from core.facts.randomness import RandomStream
    from core.ranking.leaderboards import Aggregation
    from core.types import Ranking
    from storage.verifier.ground.reading import read_record
    from storage.verifier.ranking.estimates import rank_section, ranked_calls
    from storage.verifier.writer_facts import tree_facts

    record = read_record(root / "audit.db", tree_facts())
    listed = [Ranking(c["question_id"], c["clause_id"], c["judge"], tuple(c["ranking"])) for c in ranked_calls(record)]
    section = {name: rank_section(record)[name] for name in ("resample", "resamples", "confidence")}
    stream = RandomStream(int(record.genesis["seed"]), "rank")
    config = RankSection.model_validate(section)
    aggregation = Aggregation(listed, config, stream, lambda done, total, detail: None, plain=True)

    def changed(rows: list[Row]) -> list[Row]:
        rows = [row for row in rows if row.kind != "pairwise.computed"]
        for row in rows:
            if row.kind == "leaderboard.computed":
                event = board_event(aggregation.leaderboard(row.payload["method"]), row.payload["calls"])
                row.payload |= event.model_dump(mode="json")
                row.payload.pop("interval")
        return rows

    return forged(root, folder, changed)
