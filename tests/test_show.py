"""`dempo show` as a person reads it: a summary first, one leaderboard, notes once; and its tables as CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import dempo, told
from draw_runs import make_draw_run
from sample_run import make_sample_run

from storage.record.reader import Reader
from storage.record.rows import BoardRow, ConditionRow
from storage.record.schema import VIEWS
from storage.summary.labels import better, heading, measure_words, method_words, source_words, value_words
from storage.summary.panel_drawn import panels_drawn
from storage.summary.smoothing import means, neighbours
from storage.summary.standing import Standing, agreed, overlap
from storage.summary.what_ran import what_ran
from tui.terminal.csv_output import print_csv


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sample_run(tmp_path_factory.mktemp("show"))


def shown(*arguments: object) -> str:
    done = dempo("show", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(text: str) -> str:
    return " ".join(text.split())


# ---------------------------------------------------------------- the summary


def test_a_summary_comes_first_with_warnings_before_who_is_ahead(sample: Path) -> None:
    text = words(shown(sample))
    order = [
        "asked 6 questions about 2 clauses of a constitution",
        "data 12 raters with 120 preference pairs",
        "panels panel4: 4 seats by LEXIMIN, chances from",
        "models 4 conditions: base, full, hard, soft; 3 trained by weighted DPO from tiny",
        "judged 14 rankings from 18 calls of simulated citizens",
        "drawn draw main, round 1: panel 1 of lottery panel4, 4 members, all 4 quotas kept; accepted",
        "beware coverage 77.8%: 14 of 18 judge calls gave a ranking",
        "ahead soft is ahead by Borda with 2.210 [1.930 to 2.500]",
        "stage status",
        "Leaderboards",
        f"run: {sample}",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert max(map(len, shown(sample).splitlines()[:20])) <= 80


def test_one_leaderboard_is_shown_and_the_others_are_named(sample: Path) -> None:
    text = shown(sample)
    assert "borda  (higher is better)" in text
    assert "kemeny  (lower is better)" not in text
    named = "by other methods: copeland, kemeny, bradley_terry; --method NAME shows one, --method all every one"
    assert named in words(text)
    assert text.count("checkpoints held fixed") == 1
    lone = shown(sample, "--method", "kemeny")
    assert "kemeny  (lower is better)" in lone
    assert "borda  (" not in lone
    assert "by other methods: borda, copeland, bradley_terry;" in words(lone)


def test_all_leaderboards_have_their_common_notes_once_and_a_precision_each(sample: Path) -> None:
    text = shown(sample, "--method", "all")
    assert "by other methods" not in text
    assert text.count("checkpoints held fixed") == 1
    assert text.count("score is pairwise votes won minus votes lost") == 1
    boards = text[text.index("Leaderboards") :]
    assert [line.split() for line in boards.splitlines() if line.startswith("1  soft")] == [
        ["1", "soft", "2.210", "1.930", "2.500"],
        ["1", "soft", "3", "1", "3"],
        ["1", "soft", "1.200", "1.000", "2.000"],
        ["1", "soft", "1.310", "0.820", "inf"],
    ]


def test_a_method_that_the_run_has_no_board_of_is_wrong_input(sample: Path) -> None:
    sentence = told(dempo("show", sample, "--method", "elo"), 2)
    assert "--method elo: the run has borda, copeland, kemeny, bradley_terry; all shows every one" in sentence
    first = next(row["seq"] for row in Reader(sample).view("events") if row["kind"] == "pool.built")
    sentence = told(dempo("show", sample, "--as-of", first, "--method", "borda"), 2)
    assert "the run has no leaderboard" in sentence


def test_a_run_that_only_draws_shows_its_panels(tmp_path: Path) -> None:
    text = words(shown(make_draw_run(tmp_path)))
    assert "Leaderboards" not in text
    assert "ahead" not in text
    assert "quotas kept" in text
    assert "Panels, by category" in text
    assert "--view panel_members" in text


def test_the_panels_of_a_run_that_trains_are_no_result(sample: Path) -> None:
    assert "Panels, by category" not in shown(sample)


# ---------------------------------------------------------------- CSV, and the number of an event


def test_a_method_selects_rows_of_a_view_and_is_never_ignored(sample: Path) -> None:
    every = json.loads(dempo("show", sample, "--view", "leaderboards", "--json").stdout)["leaderboards"]
    one = json.loads(dempo("show", sample, "--view", "leaderboards", "--method", "borda", "--json").stdout)
    assert one["leaderboards"] == [row for row in every if row["method"] == "borda"]
    assert len(every) > len(one["leaderboards"]) > 0
    told(dempo("show", sample, "--view", "leaderboards", "--method", "all"), 0)
    for view, said in (("leaderboards", "has rows of borda, copeland"), ("stages", "leave --method out")):
        for form in ([], ["--csv"]):
            assert said in told(dempo("show", sample, "--view", view, "--method", "elo", *form), 2)
    assert "leave it out beside --event" in told(dempo("show", sample, "--event", 1, "--method", "borda"), 2)


def test_a_view_and_the_leaderboards_are_printed_as_csv(sample: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(sample, "--view", "quotas", "--csv"))))
    assert [(row["lottery"], row["category"], int(row["lower"])) for row in rows] == [
        (row["lottery"], row["category"], row["lower"]) for row in Reader(sample).view("quotas")
    ]
    boards = list(csv.DictReader(io.StringIO(shown(sample, "--csv"))))
    assert [(row["method"], row["condition"]) for row in boards] == [
        (row["method"], row["condition"]) for row in Reader(sample).view("leaderboards")
    ]
    lone = list(csv.DictReader(io.StringIO(shown(sample, "--csv", "--method", "kemeny"))))
    assert {row["method"] for row in lone} == {"kemeny"}


def test_a_view_without_rows_has_its_header_as_csv(sample: Path) -> None:
    """So that a program that reads it finds the columns it knows."""
    empty = [view for view in VIEWS if not Reader(sample).view(view)]
    assert "hypotheses" in empty
    for view in empty:
        assert shown(sample, "--view", view, "--csv").strip().split(",") == Reader(sample).columns(view)
    assert Reader(sample).columns("quotas") == list(Reader(sample).view("quotas")[0])


def test_csv_is_of_tables_alone(sample: Path) -> None:
    assert "leave out --json" in told(dempo("show", sample, "--csv", "--json"), 2)
    assert "leave out --why" in told(dempo("show", sample, "--csv", "--why", "x"), 2)


def test_nothing_in_csv_is_obeyed_or_run(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv([{"condition": "=1+1", "n": None}, {"condition": "b\x1b[2J", "n": 2.5, "later": "x"}])
    assert capsys.readouterr().out.splitlines() == [
        "condition,n,later,condition_escaped",
        "'=1+1,,,true",
        "b␛[2J,2.5,x,true",
    ]
    print_csv([])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", ["show", "replay"])
@pytest.mark.parametrize("given", ["5", "rank"])
def test_the_old_spelling_of_an_event_number_names_the_new_one(sample: Path, command: str, given: str) -> None:
    sentence = told(dempo(command, sample, "--until", given), 2)
    assert f"--until {given}: --until names a stage" in sentence
    assert "--as-of NUMBER" in sentence
    assert "--until" not in dempo(command, "--help").stdout
    assert "--as-of" in dempo(command, "--help").stdout


# ---------------------------------------------------------------- who is ahead


def row(condition: str, position: Any, score: Any, low: Any, high: Any) -> BoardRow:
    return BoardRow(
        "borda", condition, score, low, high, position, 10, "questions", "", 1000, 0.95, 5, "percentile", score
    )


A, B, C = row("a", 1, 3.0, 2.5, 3.5), row("b", 2, 2.6, 2.2, 2.9), row("c", 3, 1.0, 0.8, 2.2)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([A, B, C], "Of the first three, the intervals of a and b; b and c overlap; those of a and c do not."),
        ([A, replace(B, low=2.6), replace(C, high=0.9)], "the intervals of a and b overlap; those of a and c; b and c"),
        ([A, B, replace(C, high=2.5)], "The intervals of the first three all overlap."),
        ([replace(A, low=2.95), B, replace(C, high=2.1)], "No intervals of the first three overlap."),
        ([A, B], "The intervals of the first two all overlap."),
        ([A, replace(B, low="nan")], "so whether they overlap is open"),
        ([A, replace(B, low="-inf", high="inf")], "The intervals of the first two all overlap."),
        ([A, replace(B, low=None)], "is open"),
        ([A, replace(B, position=1)], "a and b share the first place by Borda."),
        ([C, B, A], "a is ahead by Borda with 3.000 [2.500 to 3.500]; next is b with 2.600"),
        ([A], "a is alone on the board."),
    ],
)
def test_it_is_said_which_intervals_of_the_first_overlap(rows: list[BoardRow], sentence: str) -> None:
    assert sentence in " ".join(Standing.of("borda", rows).sentences())


def test_intervals_that_touch_overlap() -> None:
    assert overlap(A, replace(B, high=2.5))
    assert overlap(A, replace(B, high=2.4999)) is False


def test_how_many_methods_agree_on_the_first_place() -> None:
    other = [replace(C, position=1), replace(A, position=2)]
    assert agreed({"borda": [A, B]}, ["a"]) == ""
    assert agreed({"borda": [A, B], "kemeny": [A, C]}, ["a"]) == "All 2 methods agree on the first place."
    told_of = agreed({"borda": [A, B], "kemeny": other, "schulze": [A, replace(B, position=1)]}, ["a"])
    assert told_of == "1 of 3 methods agree on the first place; others: Kemeny (c); Schulze (a, b)."


def test_a_strangers_rows_are_told_of_without_a_word_of_python() -> None:
    hostile = row("x", "second", "many", [1], None)
    assert "x" in " ".join(Standing.of("?", [hostile, A]).sentences())


# ---------------------------------------------------------------- words, panels and means


def test_identifiers_have_words() -> None:
    assert method_words("plackett_luce_published") == "Plackett–Luce, published iteration"
    assert method_words("of_a_stranger") == "of_a_stranger"
    assert (better("kemeny"), better("borda")) == ("lower is better", "higher is better")
    assert (heading("in_pool"), heading("panel_size")) == ("in the pool", "panel size")
    assert measure_words("win_rate:soft") == "share of votes won: soft"
    assert measure_words("kendall_tau:within:a") == "Kendall τ: within a"
    assert source_words("lottery:main") == "everybody's pairs, weighted by π of lottery main"
    assert source_words("answers:/secret/place") == "answers that existed"
    assert value_words("estimator", "step_normalised") == "weighted, normalised over a step"
    assert value_words("category", "identity") == "identity"
    assert value_words("method", "borda") == "Borda"
    assert value_words("members", 3) == 3


def test_every_method_has_words_of_its_own() -> None:
    from core.facts.ranking.methods import METHODS

    assert len({method_words(method) for method in METHODS} - set(METHODS)) == len(METHODS)


def test_a_broken_quota_is_counted() -> None:
    seat = {"draw": "d", "attribute": "age", "slack": 0, "lower": 1, "upper": 2}
    seats = [{**seat, "category": "old", "members": 3}, {**seat, "category": "young", "members": 1}]
    made = {"draw": "d", "round": 1, "lottery": "main", "panel": 3, "outcome": "accepted"}
    (sentence,) = panels_drawn([{**made, "outcome": "rejected"}, made], seats)
    assert sentence == "draw d, round 1: panel 3 of lottery main, 4 members, 1 of 2 quotas kept; accepted"
    (waiting,) = panels_drawn([{**made, "panel": None, "outcome": "committed"}], [])
    assert waiting == "draw d, round 1: no panel yet; waits for its public value"


def test_a_summary_of_nothing_is_empty(tmp_path: Path) -> None:
    early = Reader(make_sample_run(tmp_path, stop_before="pairs"))
    rows: list[ConditionRow] = []
    assert what_ran(lambda sql: [tuple(found.values()) for found in early.query(sql)], rows) == []


def test_curves_are_means_of_neighbouring_steps() -> None:
    assert (neighbours([40, 12]), neighbours([41]), neighbours([])) == (1, 2, 1)
    assert means([1, 2, 3], [1.0, 3.0, 5.0], 2) == ([1.5, 3.0], [2.0, 5.0])
