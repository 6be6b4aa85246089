"""Win rates of pairs, on votes and on majorities of questions: what they count, how they are checked and shown."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rewritten import Row, forged
from tampering import edited, tampered
from test_small_samples import by_first_version

from core.events import PairwiseComputed
from core.facts.randomness import RandomStream
from core.facts.ranking.intervals import tail_of
from core.facts.ranking.methods import Method
from core.random_arrays import integers
from core.ranking.leaderboards import Aggregation
from core.ranking.pairwise import pairwise
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.check import Check
from storage.checks_ranking import estimate_again
from storage.findings.pairs_found import PairsFound
from storage.record.reader import Reader
from storage.record.rows import PairRow, PlaceRow, view_rows
from storage.verifier.ground.finding import concluded
from storage.verifier.ground.reading import read_record
from storage.verifier.ground.record import Record, Values
from storage.verifier.ranking import intervals
from storage.verifier.ranking.estimates import FIRST_FIGURES, check_estimates
from storage.verifier.ranking.resamples import TooMuch
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.ranking.rank import ranked
from tui.commands.ranking.rank_options import RankOptions
from tui.commands.ranking.rank_output import rows_by_view
from tui.commands.ranking.rank_source import of_file
from tui.commands.record.show import Wanted, show
from tui.screens.panes.leaderboards import LeaderboardsPane, PageRequest, page

SEED = 9


def some_rankings(questions: int = 15, judges: int = 4, names: str = "abc") -> list[Ranking]:
    generator = random.Random(5)
    return [
        Ranking(f"{q}", q % 4, f"j{j}#0", tuple(sorted(names, key=lambda n: names.index(n) / 3 + generator.random())))
        for j in range(judges)
        for q in range(questions)
    ]


def pairs_of(rankings: Sequence[Ranking], **section: Any) -> PairwiseComputed:
    config = RankSection.model_validate({"resamples": 50} | section)
    return pairwise(Aggregation(rankings, config, RandomStream(SEED, "rank"), lambda *_: None))


def votes_of(rankings: Sequence[Ranking]) -> Counter[tuple[str, str]]:
    return sum((Counter(dict.fromkeys(combinations(one.order, 2), one.weight)) for one in rankings), Counter())


def won(rankings: Sequence[Ranking], questions: Sequence[str], one: str, other: str) -> float:
    """Questions, as often as they are listed, whose majority prefers one; a tie counts half."""
    total = 0.0
    for question in questions:
        votes = votes_of([ranking for ranking in rankings if ranking.question_id == question])
        total += (1 + np.sign(votes[one, other] - votes[other, one])) / 2
    return total


def test_two_conditions_by_hand() -> None:
    """Question 1: two of three for a; question 2: both of two for b; question 3: even."""
    said = {"1": "ab ab ba", "2": "ba ba", "3": "ab ba"}
    rankings = [Ranking(q, 1, f"j#{k}", tuple(o)) for q, orders in said.items() for k, o in enumerate(orders.split())]
    found = pairs_of(rankings, resamples=400)
    assert (found.questions, found.resample, found.majority_resample) == (3, "questions", "questions")
    first, second = found.rows
    assert (first.condition, first.other, first.votes, first.votes_against) == ("a", "b", 3, 4)
    assert (first.win_rate, first.majority_win_rate) == (3 / 7, 1.5 / 3)
    assert first.mean_margin == pytest.approx((1 / 3 - 1 + 0) / 3)
    assert (first.low, first.high) == (0, pytest.approx(2 / 3)), "all resamples of question 2, or of question 1"
    assert (first.majority_low, first.majority_high) == (0, 1)
    assert (second.condition, second.votes, second.mean_margin) == ("b", 4, pytest.approx(2 / 9))


@pytest.mark.parametrize("resample", ["questions", "rankings", "clauses"])
def test_a_pair_read_from_the_other_side_is_its_mirror(resample: str) -> None:
    found = pairs_of(some_rankings(), resample=resample)
    rows = {(row.condition, row.other): row for row in found.rows}
    assert list(rows) == list(permutations("abc", 2))
    assert found.majority_resample == {"rankings": "questions"}.get(resample, resample)
    for (one, other), row in rows.items():
        back = rows[other, one]
        assert (row.votes, row.votes_against) == (back.votes_against, back.votes)
        for name, low, high in (("win_rate", "low", "high"), ("majority_win_rate", "majority_low", "majority_high")):
            assert getattr(row, name) == pytest.approx(1 - getattr(back, name))
            assert getattr(row, low) == pytest.approx(1 - getattr(back, high))
            assert getattr(row, low) <= getattr(row, name) <= getattr(row, high)
        assert row.mean_margin == pytest.approx(-back.mean_margin)


@pytest.mark.parametrize("resample", ["questions", "rankings", "clauses"])
def test_intervals_are_percentiles_of_what_was_drawn(resample: str) -> None:
    """Drawn again from the stream, unit by unit, and counted without arrays."""
    listed = some_rankings()
    asked = list(dict.fromkeys(one.question_id for one in listed))
    clause_of = {one.question_id: one.clause_id for one in listed}
    clauses = list(dict.fromkeys(one.clause_id for one in listed))
    units: dict[str, list[list[Ranking]]] = {
        "questions": [[one for one in listed if one.question_id == q] for q in asked],
        "rankings": [[one] for one in listed],
        "clauses": [[one for one in listed if one.clause_id == c] for c in clauses],
    }
    of_questions = {"clauses": [[q for q in asked if clause_of[q] == c] for c in clauses]}.get(
        resample, [[q] for q in asked]
    )

    def drawn(count: int) -> np.ndarray:
        return integers(RandomStream(SEED, "rank", "bootstrap"), count, 50 * count).reshape(50, count)

    rates, majority = [], []
    for row in drawn(len(units[resample])):
        votes = votes_of([one for k in row for one in units[resample][int(k)]])
        rates.append(votes["a", "c"] / (votes["a", "c"] + votes["c", "a"]))
    for row in drawn(len(of_questions)):
        questions = [q for k in row for q in of_questions[int(k)]]
        majority.append(won(listed, questions, "a", "c") / len(questions))
    (found,) = (row for row in pairs_of(listed, resample=resample).rows if (row.condition, row.other) == ("a", "c"))
    counts = (len(units[resample]), len(of_questions))
    tails = {count: [tail_of(0.95, count), 1 - tail_of(0.95, count)] for count in counts}
    assert (found.low, found.high) == pytest.approx(np.quantile(rates, tails[len(units[resample])]).tolist())
    ends = np.quantile(majority, tails[len(of_questions)]).tolist()
    assert (found.majority_low, found.majority_high) == pytest.approx(ends)


def test_a_single_condition_has_no_pair() -> None:
    assert pairs_of([Ranking("1", 1, "j", ("a",))]).rows == []


# ------------------------------------------------------------ what a record says is derived again


def _place(values: dict[str, Any]) -> None:
    values["places"]["soft"][0] += 1e-6


def _places_of_nobody(values: dict[str, Any]) -> None:
    values["places"]["nobody"] = values["places"]["soft"]


def _places_left_out(values: dict[str, Any]) -> None:
    del values["places"]


def _detail(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda values: values["detail"].update({name: values["detail"][name] - 1e-6})


Lie = tuple[str, int, Callable[[dict[str, Any]], Any], str]


def _pair(name: str, step: float) -> Lie:
    def edit(values: dict[str, Any]) -> None:
        values["rows"][3][name] += step

    return "pairwise.computed", 0, edit, f": {name}' is"


def _pairs(edit: Callable[[dict[str, Any]], Any], sentence: str) -> Lie:
    return "pairwise.computed", 0, edit, sentence


METHODS = RankSection().methods


def _board(method: Method, edit: Callable[[dict[str, Any]], None], sentence: str) -> Lie:
    return "leaderboard.computed", METHODS.index(method), edit, sentence


NUMBERS = ("win_rate", "low", "high", "majority_win_rate", "majority_low", "majority_high", "mean_margin")

LIES: dict[str, Lie] = {
    "a place by score": _board("borda", _place, "'soft: place 1' is"),
    "a place by order": _board("kemeny", _place, "'soft: place 1' is"),
    "a condition that is not there": _board("borda", _places_of_nobody, "'nobody: place 1' does not follow"),
    "no places": _board("mallows", _places_left_out, "place 1' is missing"),
    "how often the order is found": _board("schulze", _detail("exact_match"), "'exact_match' is"),
    "how often the best order is found": _board("kemeny", _detail("exact_match"), "'exact_match' is"),
    "majorities won": _board("bradley_terry_majority", _detail("wins:hard"), "'wins:hard' is"),
    "the likelihood of all": _board("mallows", _detail("held_out_log_likelihood_total"), "_likelihood_total' is"),
    "votes": _pair("votes", 1),
    "votes against": _pair("votes_against", -1),
    "questions": _pairs(lambda v: v.update(questions=9), "the questions that pairs"),
    "what is resampled": _pairs(lambda v: v.update(resample="rankings"), "win rates of pairs: resample"),
    "what is resampled of majorities": _pairs(lambda v: v.update(majority_resample="clauses"), "majority_resample"),
    "a pair left out": _pairs(lambda v: v["rows"].pop(), "the pairs of conditions"),
    "a pair twice": _pairs(lambda v: v["rows"].append(v["rows"][0]), "the pairs of conditions"),
    **{f"the {name} of a pair": _pair(name, 1e-6) for name in NUMBERS},
}


@pytest.fixture(scope="module")
def record(trained: Path) -> Record:
    return read_record(trained / "audit.db", tree_facts())


def estimates(record: Record, step: Callable[..., str] = check_estimates) -> Check:
    return concluded("estimates", step, record)


@pytest.mark.parametrize("what", LIES)
def test_a_changed_number_is_found(what: str, record: Record) -> None:
    kind, which, edit, sentence = LIES[what]
    events = list(record.kept[kind])
    changed = Values(deepcopy(dict(events[which].values)))
    edit(changed)
    events[which] = replace(events[which], values=changed)
    found = estimates(replace(record, kept=record.kept | {kind: events}))
    assert (found.verdict, sentence in found.detail) == ("failed", True), found


def test_a_changed_pair_is_found_by_the_program_too(trained: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, edited("pairwise.computed", LIES["the low of a pair"][2]))
    found = estimates(read_record(root / "audit.db", tree_facts()), estimate_again)
    assert (found.verdict, ": low' is" in found.detail) == ("failed", True), found


def test_what_takes_too_long_is_named_or_computed_by_numpy(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(*_: Any) -> None:
        raise TooMuch("it takes too long")

    monkeypatch.setattr(intervals, "majorities_summed", too_long)
    found = estimates(record)
    assert found.verdict == "unknown"
    assert "not those of bradley_terry_majority, pairwise (it takes too long)" in found.detail
    assert "win rates" not in found.detail.partition("not those of")[0]
    assert estimates(record, estimate_again).verdict == "ok"


def without_pairs(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.payload.get("unit") != "pairwise"]


def test_a_record_without_its_pairs_is_found(trained: Path, tmp_path: Path) -> None:
    stages = next(check for check in verify(forged(trained, tmp_path, without_pairs)) if check.name == "stages")
    assert (stages.verdict, stages.detail) == ("failed", "stage 'rank' has ended without its unit 'pairwise'")


def older(rows: list[Row]) -> list[Row]:
    """The record as the stage's version 1 made it."""
    for row in rows:
        if row.kind == "stage.started" and row.stage == "rank":
            row.payload["version"] = 1
        if row.kind == "leaderboard.computed":
            del row.payload["places"], row.payload["means"], row.payload["detail"]["exact_match"]
            row.payload["detail"].pop("held_out_log_likelihood_total", None)
        if row.kind == "diagnostics.computed":
            first = {name: x for name, x in row.payload["values"].items() if name.partition(":")[0] in FIRST_FIGURES}
            row.payload["values"] = first
    return without_pairs(rows)


def test_older_records_lack_nothing_and_may_not_have_more(trained: Path, tmp_path: Path) -> None:
    old = forged(by_first_version(trained, tmp_path / "plain"), tmp_path, older)
    found = estimates(read_record(old / "audit.db", tree_facts()))
    assert (found.verdict, "win rates" in found.detail) == ("ok", False)

    def with_a_detail(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == "leaderboard.computed").payload["detail"]["exact_match"] = 1.0
        return rows

    more = forged(old, tmp_path / "more", with_a_detail)
    found = estimates(read_record(more / "audit.db", tree_facts()))
    assert (found.verdict, "'exact_match' does not follow" in found.detail) == ("failed", True)


# ------------------------------------------------------------ shown


def test_views_have_every_place_and_every_pair(trained: Path) -> None:
    reader = Reader(trained)
    places, pairs = view_rows(reader, PlaceRow), view_rows(reader, PairRow)
    names = {row.condition for row in pairs}
    assert len(places) == len(METHODS) * len(names) ** 2
    for method in METHODS:
        for name in names:
            own = [row for row in places if (row.method, row.condition) == (method, name)]
            assert [row.place for row in own] == list(range(1, 1 + len(names)))
            assert sum(row.share for row in own) == pytest.approx(1)
    assert [(row.condition, row.other) for row in pairs] == list(permutations(sorted(names), 2))


def test_a_run_shows_win_rates_and_first_places(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(trained)
    show(reader, Wanted(), trained.parent, as_json=False)
    told = capsys.readouterr().out
    assert "P(1st)" in told
    begin = told.index("\nWin rates\n")
    lines = told[begin:].split("\n\n")[0].strip("\n").split("\n")
    assert max(map(len, lines)) <= 80
    names = {row.condition for row in view_rows(reader, PairRow)}
    assert all(any(name in line for line in lines) for name in names)
    show(reader, Wanted(), trained.parent, as_json=True)
    data = json.loads(capsys.readouterr().out)
    assert data["pairwise"] == reader.view("pairwise")
    assert data["places"] == reader.view("places")
    assert {"method": "kemeny", "name": "exact_match"}.items() <= next(
        row for row in data["leaderboard_details"] if row["method"] == "kemeny" and row["name"] == "exact_match"
    ).items()
    text = page(LeaderboardsPane.read(reader, PageRequest("pairs")), 80).plain
    assert {"Win rates", "Every pair", "Places in the resamples, % (Kemeny)"} <= set(text.split("\n"))
    assert "P(1st)" in page(LeaderboardsPane.read(reader, None), 80).plain


def written(listed: Sequence[Ranking], path: Path) -> Path:
    rows = (vars(one) | {"ranking": one.order} for one in listed)
    kept = ("question_id", "clause_id", "judge", "ranking")
    path.write_text("".join(json.dumps({key: row[key] for key in kept}) + "\n" for row in rows))
    return path


def test_a_file_gives_the_same_rows_as_a_run(tmp_path: Path) -> None:
    listed = some_rankings()
    found = ranked(of_file(written(listed, tmp_path / "rankings.jsonl"), RankOptions(resamples=50, seed=SEED)))
    data = rows_by_view(found)
    assert data["pairwise"] == [row.model_dump() for row in pairs_of(listed).rows]
    assert len(data["places"]) == len(METHODS) * 9
    assert {row["name"] for row in data["leaderboard_details"] if row["method"] == "bradley_terry_majority"} == {
        "wins:a",
        "wins:b",
        "wins:c",
        "separable",
        "separable_resamples",
        "exact_match",
    }


def rows_of(names: Sequence[str], low: float = 0.6) -> list[PairRow]:
    """Each name wins of every later one."""
    place = {name: k for k, name in enumerate(names)}
    return [
        PairRow(one, other, 7, 3, *((0.7, low, 0.8) if place[one] < place[other] else (0.3, 0.2, 1 - low)), 0, 0, 0, 0)
        for one, other in permutations(names, 2)
    ]


def test_a_matrix_is_read_by_numbers_and_marks_what_is_decided() -> None:
    assert PairsFound(rows_of(["x", "y", "z"])).win_rates(80)[:5] == [
        "Win rates",
        "           1       2       3",
        "  1 x      –   0.700*  0.700*",
        "  2 y  0.300*      –   0.700*",
        "  3 z  0.300*  0.300*      –",
    ]
    assert "*" not in "".join(PairsFound(rows_of(["x", "y"], 0.5)).win_rates(80)[1:4])


@pytest.mark.parametrize("conditions", [2, 7, 8, 26])
def test_lines_fit_and_long_names_stay_apart(conditions: int) -> None:
    names = [f"checkpoints/llama3.1-8b-full-size/{k:02d}" for k in range(conditions)]
    lines = PairsFound(rows_of(names)).win_rates(80, "more")
    assert max(map(len, lines)) <= 80
    for name in names:
        assert sum(name[-6:] in line for line in lines) in ((1,) if conditions < 9 else (1, 2))
    assert ("neighbours" in " ".join(lines)) == (conditions == 26)


def test_what_a_stranger_wrote_stays_in_its_lines() -> None:
    rows = [PairRow("\x1b[31mevil\n", "x\ny", "many", None, "no number", None, "1", 0, 0, 0, 0)]
    places = [PlaceRow("kemeny", "\x1b[2J\n", 1, "all"), PlaceRow("kemeny", "b", "first", 1)]
    found = PairsFound(rows, places)
    for lines in (found.win_rates(80), found.places_by("kemeny", 80)):
        assert lines
        assert "\x1b" not in "".join(lines)
        assert not any("\n" in line for line in lines)
