"""A judge that ranks by the shown place is named beside every leaderboard; one that does not is not."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rewritten import Row, forged
from scipy.stats import binom, chi2
from typer.testing import CliRunner

from core.facts.ranking.shown_places import (
    FALSE_ALARM,
    ShownPlaces,
    chi_square_tail,
    habits,
    habits_of,
    places_of,
    shown_places,
)
from storage.judging.judging_notes import JudgingNotes
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from tui.cli import app
from tui.commands.record.show import results
from tui.screens.panes.leaderboards import LeaderboardsPane, page

Calls = list[tuple[str, list[str], list[str]]]


def found(calls: Calls) -> ShownPlaces:
    (counts,) = places_of(calls).values()
    places = shown_places(counts)
    assert places is not None
    return places


def always(rank: Any, judge: str = "j#0", times: int = 6, names: str = "abcd") -> Calls:
    """So many calls with the answers in other orders, each ranked by what was shown."""
    orders = itertools.islice(itertools.cycle(itertools.permutations(names)), 0, times * 7, 7)
    return [(judge, list(order), rank(list(order))) for order in orders]


def test_a_judge_that_repeats_the_shown_order_is_named() -> None:
    calls = always(lambda shown: shown, times=24)
    told = "judge 'j' ranks by the shown place: 24 of 24 first places went to the answer shown first of 4"
    assert habits_of(calls) == [f"{told} (correlation of shown place and rank 1.00)"]


def test_so_are_those_that_prefer_the_last_answer_or_one_in_the_middle() -> None:
    (last,) = habits_of(always(lambda shown: shown[::-1], times=24))
    assert "shown last of 4 (correlation of shown place and rank -1.00)" in last
    (second,) = habits_of(always(lambda shown: [shown[1], *sorted({*shown} - {shown[1]})], times=24))
    assert "24 of 24 first places went to the answer shown in place 2 of 4" in second


def test_a_judge_that_reads_is_not_named_however_sure_it_is() -> None:
    assert habits_of(always(sorted, times=24)) == []
    assert found(always(sorted, times=24)).correlation == pytest.approx(0, abs=0.2)


def test_a_habit_without_a_favourite_place_shows_in_the_correlation() -> None:
    """The first two shown are always above the last two, each of them as often first."""
    swaps = ((0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2), (1, 0, 3, 2))
    counts = Counter((place, rank) for swap in swaps for rank, place in enumerate(swap) for _ in range(3))
    places = shown_places(counts)
    assert places is not None
    assert places.firsts == (6, 6, 0, 0)
    assert places.correlation == pytest.approx(0.8)
    assert "in place" not in habits({"j": places})["j"]
    even = ShownPlaces(40, (10, 10, 10, 10), 0.31, 1.0, 1e-4)
    assert habits({"j": even})
    assert not habits({"j": even._replace(correlation=-0.3)})


def test_few_rankings_are_tested_exactly_and_a_small_correlation_never_counts() -> None:
    few = found(always(lambda shown: shown, times=5))
    assert few.by_first == pytest.approx(4 * 0.25**5)
    assert habits({"j": few}), "five of five, by chance four times in a thousand"
    weak = ShownPlaces(100_000, (25_000,) * 4, 0.05, 1.0, 1e-100)
    assert not habits({"j": weak}), "it is there, and it is small"


@pytest.mark.parametrize("firsts", [(3, 1, 1, 1), (9, 0, 0), (2, 2), (19, 0, 0, 0)])
def test_the_exact_bound_is_the_binomial_of_the_fullest_place(firsts: tuple[int, ...]) -> None:
    size, rankings = len(firsts), sum(firsts)
    counts: Counter[tuple[int, int]] = Counter()
    for place, times in enumerate(firsts):
        for rank in range(size):
            counts[(place + rank) % size, rank] += times
    places = shown_places(counts)
    assert places is not None
    assert places.firsts == firsts
    exact = min(1.0, size * float(binom.sf(max(firsts) - 1, rankings, 1 / size)))
    assert places.by_first == pytest.approx(exact if rankings < 5 * size else float(chi2.sf(16.2, 2)))


def test_the_tail_is_that_of_chi_square() -> None:
    for degrees in range(1, 26):
        for value in (0.0, 0.1, 1.0, 5.0, 30.0, 400.0):
            assert chi_square_tail(value, degrees) == pytest.approx(float(chi2.sf(value, degrees)), rel=1e-9)
    assert chi_square_tail(1e6, 25) == 0


def test_judges_that_know_nothing_raise_the_alarm_as_rarely_as_promised() -> None:
    """2,000 runs of one judge with 40 random rankings: at most 1 % false alarms, give or take."""
    random.seed(5)
    alarms = 0
    for _ in range(2_000):
        calls = [("j#0", random.sample("abcd", 4), list("abcd")) for _ in range(40)]
        alarms += len(habits_of(calls))
    assert alarms <= 2_000 * FALSE_ALARM + 3 * (2_000 * FALSE_ALARM) ** 0.5


@pytest.mark.parametrize(
    "counts", [{}, {(0, 0): 3}, {(0, 0): 1, (1, 1): 2}, {(0, 0): 1, (0, 1): 1}, {(0, 0): 0, (1, 1): 0}]
)
def test_what_is_no_set_of_rankings_says_nothing(counts: dict[tuple[int, int], int]) -> None:
    assert shown_places(counts) is None


# ------------------------------------------------------------ beside every leaderboard


@pytest.fixture(scope="module")
def habitual(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judged run, but every ranking is the shown order; the chain is hashed anew."""

    def alter(row: Row) -> None:
        if row.kind == "judge.called" and row.payload["outcome"] == "ranked":
            row.payload["ranking"] = row.payload["shown_order"]

    def alter_all(rows: list[Row]) -> list[Row]:
        for row in rows:
            alter(row)
        return rows

    return forged(judged, tmp_path_factory.mktemp("habitual"), alter_all)


SAID = "judge 'm' ranks by the shown place: 20 of 20 first places went to the answer shown first of"


def test_every_board_of_every_screen_says_it(habitual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results(Reader(habitual), as_json=False)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.index(SAID) < shown.index(" is ahead by ") < shown.index("Leaderboards")
    text = page(LeaderboardsPane.read(Reader(habitual), None), 400).plain
    assert f"! {SAID}" in text
    results(Reader(habitual), as_json=True)
    (judge,) = json.loads(capsys.readouterr().out)["shown_places"]
    assert judge["rankings"] == 20
    assert judge["correlation"] == pytest.approx(1)
    assert judge["alert"].startswith(SAID)


def test_verification_says_it_of_the_calls(habitual: Path) -> None:
    checks = {check.name: check for check in checks_of(read_record(habitual / "audit.db", tree_facts()))}
    assert SAID in checks["judge calls"].detail


def test_a_run_whose_judge_reads_says_nothing(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results(Reader(trained), as_json=False)
    assert "by the shown place" not in capsys.readouterr().out
    assert JudgingNotes.of_run(Reader(trained)).places


def test_rank_says_it_where_rows_say_what_was_shown(tmp_path: Path) -> None:
    rows = [
        {"question_id": str(i), "clause_id": 1, "judge": "m#0", "ranking": order, "shown": order}
        for i, (_, order, _) in enumerate(always(sorted, times=12))
    ]
    file = tmp_path / "rankings.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    told = CliRunner().invoke(app, ["rank", str(file), "--resamples", "10"])
    assert "judge 'm' ranks by the shown place: 12 of 12" in " ".join(told.output.split())
    rows[3]["shown"] = ["a", "b"]
    file.write_text("\n".join(map(json.dumps, rows)))
    refused = CliRunner().invoke(app, ["rank", str(file), "--resamples", "10"])
    assert refused.exit_code != 0
    assert "line 4: 'shown' holds other conditions" in str(refused.exception)
