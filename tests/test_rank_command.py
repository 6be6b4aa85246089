"""`dempo rank`: of files and of runs, some of the conditions and some of the judges, and what it prints."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import answered, dempo, told

from core.errors import InputError
from core.events import named_number
from core.facts.randomness import RandomStream
from core.facts.ranking.methods import METHODS
from core.ranking.files import read_file
from core.ranking.leaderboards import leaderboards
from core.sections.who_judges import RankSection
from core.types import Ranking
from storage.draws.history import config_of
from storage.judging.run_rankings import rankings_of_run
from storage.record.reader import Reader
from tui.commands.ranking.rank_options import RankOptions
from tui.terminal.completion import run_or_file_names
from tui.terminal.csv_output import print_csv

ORDERS = [
    ("ann#0", "a b c d"),
    ("ann#1", "b a c d"),
    ("bob#0", "d c b a"),
    ("cy", "a c d b"),
]


def listed(questions: int = 4) -> list[Ranking]:
    """Every question ranked by all, the conditions turned by one place from question to question."""
    found = []
    for q in range(questions):
        for judge, text in ORDERS:
            names = text.split()
            found.append(Ranking(f"q{q}", q % 2, judge, tuple(names[q % 3 :] + names[: q % 3])))
    return found


def written(path: Path, rankings: Sequence[Ranking]) -> Path:
    rows = [
        {"question_id": r.question_id, "clause_id": r.clause_id, "judge": r.judge, "ranking": list(r.order)}
        for r in rankings
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "rankings.jsonl", listed())


def rank(*arguments: object) -> dict[str, Any]:
    data: dict[str, Any] = answered(dempo("rank", *arguments, "--json"))
    return data


def scores(data: dict[str, Any]) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ("score", "low", "high", "position")
    return {(row["method"], row["condition"]): tuple(row[n] for n in names) for row in data["leaderboards"]}


def by_hand(rankings: Sequence[Ranking], **section: Any) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What the functions of the stage say of rankings."""
    settings = RankSection(**{"resamples": 30, **section})
    return {
        (board.method, row.condition): (row.score, row.low, row.high, row.position)
        for board in leaderboards(rankings, settings, RandomStream(0, "rank"))
        for row in board.rows
    }


FEW = ("--resamples", 30, "--method", "borda,kemeny,bradley_terry")
METHODS_OF_FEW = ("borda", "kemeny", "bradley_terry")


def restricted(keep: str, rankings: Sequence[Ranking]) -> list[Ranking]:
    return [Ranking(r.question_id, r.clause_id, r.judge, tuple(n for n in r.order if n in keep)) for r in rankings]


def test_methods_are_those_asked_for_in_the_order_of_all(file: Path) -> None:
    data = rank(file, "--resamples", 5, "--method", "kemeny", "--method", "schulze, borda")
    assert list(dict.fromkeys(row["method"] for row in data["leaderboards"])) == ["borda", "schulze", "kemeny"]
    said = told(dempo("rank", file, "--method", "elo"), 2)
    assert "--method: there is no method 'elo'" in said
    assert all(method in said for method in METHODS)
    assert "did you mean 'kemeny'?" in told(dempo("rank", file, "--method", "Kemney"), 2)


@pytest.mark.parametrize(
    ("options", "kept"),
    [(["--only", "a,c,d"], "acd"), (["--drop", "b"], "acd"), (["--only", "a, b,c", "--drop", "a"], "bc")],
)
def test_some_conditions_are_ranked_as_if_there_were_no_others(file: Path, options: list[str], kept: str) -> None:
    data = rank(file, *FEW, *options)
    assert scores(data) == by_hand(restricted(kept, listed()), methods=METHODS_OF_FEW)
    assert data["notes"] == [f"{len(kept)} of 4 conditions: {', '.join(kept)}"]
    assert scores(rank(file, *FEW)) == by_hand(listed(), methods=METHODS_OF_FEW)


def test_conditions_that_are_not_there_are_refused(file: Path) -> None:
    said = told(dempo("rank", file, "--only", "a,x"), 2)
    assert "--only: there is no condition 'x' (there are: 'a', 'b', 'c', 'd')" in said
    assert "--drop: there is no condition 'x'" in told(dempo("rank", file, "--drop", "x"), 2)
    assert "--only leaves 'a'; there is something to rank from two" in told(dempo("rank", file, "--only", "a"), 2)
    everything = ["--drop", "a,b", "--drop", "c", "--drop", "d"]
    assert "--drop leaves no condition" in told(dempo("rank", file, *everything), 2)


def test_a_name_with_a_comma_is_one_name(tmp_path: Path) -> None:
    rankings = [Ranking("q", 1, "j", ("a,b", "c", "d"))]
    data = rank(written(tmp_path / "r.jsonl", rankings), *FEW, "--only", "a,b", "--only", "d")
    assert {condition for _, condition in scores(data)} == {"a,b", "d"}


def test_judges_are_named_by_label_or_by_call(file: Path) -> None:
    for judges, wanted in ([["ann"], {"ann#0", "ann#1"}], [["ann#1"], {"ann#1"}], [["cy", "bob"], {"cy", "bob#0"}]):
        asked = [word for judge in judges for word in ("--judge", judge)]
        own, data = [one for one in listed() if one.judge in wanted], rank(file, *FEW, *asked)
        assert scores(data) == by_hand(own, methods=METHODS_OF_FEW)
        assert data["notes"] == [f"{len(own)} of 16 rankings, by {', '.join(dict.fromkeys(r.judge for r in own))}"]
    said = told(dempo("rank", file, "--judge", "dan"), 2)
    assert "--judge: there is no judge 'dan'" in said
    assert "'ann', 'ann#0', 'ann#1', 'bob', 'bob#0', 'cy'" in said


def test_only_the_judges_that_are_asked_for_are_tested_for_habits(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [
        {"question_id": q, "judge": judge, "ranking": order, "shown": order if judge == "habit" else order[::-1]}
        for q in range(60)
        for judge in ("habit", "fair")
        for order in [["a", "b", "c"][q % 3 :] + ["a", "b", "c"][: q % 3]]
    ]
    for row in rows:
        if row["judge"] == "fair":
            row["shown"] = ["a", "b", "c"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert ["'habit' ranks by the shown place" in said for said in rank(path, *FEW)["shown_places"]] == [True]
    assert rank(path, *FEW, "--judge", "fair")["shown_places"] == []


def test_intervals_are_of_the_confidence_that_is_asked_for(file: Path) -> None:
    assert scores(rank(file, *FEW, "--confidence", 0.5)) == by_hand(listed(), methods=METHODS_OF_FEW, confidence=0.5)
    for wrong in ("0", "1", "95", "-0.1", "nan"):
        assert "give a share between 0 and 1, such as 0.95" in told(dempo("rank", file, f"--confidence={wrong}"), 2)


def test_the_published_iteration_has_intervals_above_twelve_where_they_are_asked_for(tmp_path: Path) -> None:
    names = [f"c{k:02d}" for k in range(13)]
    rankings = [Ranking(f"q{q}", 1, "j", tuple(names[q:] + names[:q])) for q in range(5)]
    path, few = written(tmp_path / "r.jsonl", rankings), ("--resamples", 5, "--method", "plackett_luce_published")
    without = rank(path, *few)
    assert {(row["low"], row["interval"]) for row in without["leaderboards"]} == {("nan", "none")}
    assert "`dempo rank --published-intervals`, asks for them" in " ".join(dempo("rank", path, *few).stdout.split())
    given = rank(path, *few, "--published-intervals")
    asked_for = {"methods": ("plackett_luce_published",), "resamples": 5, "published_intervals": True}
    assert scores(given) == {key: numbers_of(row) for key, row in by_hand(rankings, **asked_for).items()}
    assert all(row["low"] != "nan" for row in given["leaderboards"])
    assert scores(rank(path, *few, "--no-published-intervals")) == scores(without)
    said = told(dempo("rank", path, "--method", "borda", "--published-intervals"), 2)
    assert "they are those of plackett_luce_published, and it is not among the methods" in said
    of_run = RankSection(published_intervals=True)
    assert RankOptions().section(of_run, votes=False) == of_run, "a run as it was configured"
    assert not RankOptions(published_intervals=False).section(of_run, votes=False).published_intervals
    with pytest.raises(InputError, match="the file holds votes between two"):
        RankOptions(published_intervals=True).section(RankSection(), votes=True)


def numbers_of(row: Sequence[Any]) -> tuple[Any, ...]:
    """As JSON has them, which knows no infinity."""
    return tuple(named_number(value) if isinstance(value, float) else value for value in row)


def test_clauses_are_resampled_where_there_are_any(tmp_path: Path, file: Path) -> None:
    clauses = by_hand(listed(), methods=METHODS_OF_FEW, resample="clauses")
    assert scores(rank(file, *FEW, "--resample", "clauses")) == clauses
    named = tmp_path / "named.jsonl"
    text = (
        file.read_text().replace('"clause_id": 0', '"clause_id": "safety"').replace('"clause_id": 1', '"clause": "x"')
    )
    named.write_text(text)
    data = rank(named, *FEW, "--resample", "clauses")
    assert scores(data) == clauses
    assert data["clauses"] == [{"clause_id": 1, "clause": "safety"}, {"clause_id": 2, "clause": "x"}]
    bare = tmp_path / "bare.csv"
    bare.write_text("question,judge,a,b\n1,j,1,2\n2,j,2,1\n")
    assert "names no clause; add 'clause_id'" in told(dempo("rank", bare, "--resample", "clauses"), 2)


# ------------------------------------------------------------ runs


@pytest.mark.parametrize("name", ["trained", "judged"])
def test_a_run_ranked_again_has_its_own_leaderboards(name: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(name)
    before = Reader(root).head()
    data, shown = rank(root), answered(dempo("show", root, "--json"))
    assert scores(data) == scores(shown)
    assert data["jury_leaderboards"] == shown["jury_leaderboards"]
    assert data["judge_agreement"] == shown["judge_agreement"]
    assert data["notes"] == [f"the rankings that run {root.name} recorded, aggregated here; nothing is recorded"]
    assert Reader(root).head() == before


def test_what_an_endpoint_did_not_rank_is_said_first(judged: Path) -> None:
    coverage, habit = rank(judged, *FEW)["shown_places"]
    assert coverage.startswith("coverage 83.3%: 20 of 24 judge calls gave a ranking")
    assert habit.startswith("judge 'm' ranks by the shown place")


def test_part_of_a_run_is_what_its_rankings_in_a_file_give(judged: Path, tmp_path: Path) -> None:
    reader = Reader(judged)
    config = config_of(reader)
    rankings = rankings_of_run(reader, config)
    path, seed = written(tmp_path / "r.jsonl", rankings), ["--seed", config.run.seed, "--resamples", 5]
    some = ["--drop", rankings[0].order[0], "--judge", "m#1", "--method", "borda,mallows"]
    by_name = ["--runs-dir", judged.parent, judged.name[:20]]
    assert scores(rank(*by_name, *some)) == scores(rank(path, *seed, *some))
    assert scores(rank(*by_name, *some, "--seed", 9)) != scores(rank(*by_name, *some))


def test_the_view_of_rankings_as_csv_is_a_file_that_is_read(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, path = Reader(judged), tmp_path / "view.csv"
    print_csv(reader.view("rankings"))
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert set(read_file(path).rankings) == set(rankings_of_run(reader, config_of(reader)))


def test_what_is_neither_a_file_nor_a_run_is_said(tmp_path: Path, judged: Path) -> None:
    runs = ["--runs-dir", tmp_path]
    said = told(dempo("rank", "nothing.jsonl", *runs), 2)
    assert "cannot read the rankings nothing.jsonl: there is no such file, and no run in" in said
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "no run in" in told(dempo("rank", folder, *runs), 2)
    assert f"give its folder, {judged}" in told(dempo("rank", judged / "audit.db", *runs), 2)


def test_a_pipe_is_no_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said = told(dempo("rank", tmp_path / "pipe", "--runs-dir", tmp_path), 2)
    assert "it is a pipe or a device; write the rankings to a file" in said


def test_columns_clauses_and_counted_votes_are_explained(tmp_path: Path) -> None:
    rows = [
        {"question_id": n, "clause": clause, "judge": judge, "ranking": order}
        for n, clause in ((1, "Be kind"), (2, "Be brief \x1b[31m and as short as anybody can be who still says it all"))
        for judge, order in (("x", ["a", "b"]), ("y", ["b", "a"]))
        if (n, judge) != (1, "y")
    ]
    path = tmp_path / "named.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ended = dempo("rank", path, "--confidence", 0.8, "--method", "borda,kemeny")
    assert "low and high: 80 % intervals from 1,000 resamples; P(1st): the share of" in ended.stdout
    assert "Clauses by their numbers\n  1: Be kind\n  2: Be brief ␛[31m and as" in ended.stdout
    assert "on 1 question:" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    counted = {"question_id": 1, "model_i": "a", "model_j": "b", "wins_i": 3, "wins_j": 2, "num_judges": 6}
    (tmp_path / "votes.jsonl").write_text(json.dumps(counted))
    of_votes = dempo("rank", tmp_path / "votes.jsonl").stdout
    assert "  6 votes between two conditions" in of_votes
    assert "P(1st)" in of_votes
    places = dempo("rank", tmp_path / "votes.jsonl", "--view", "places", "--json")
    assert {row["place"] for row in json.loads(places.stdout)["places"]} == {1, 2}
    assert (
        "clauses, robustness and what sways judges, which take"
        in dempo("rank", tmp_path / "votes.jsonl", "--view", "pairwise").stderr
    )


def test_a_run_without_rankings_says_so(tmp_path: Path) -> None:
    answered(dempo("demo", "--until", "pool", "--runs-dir", tmp_path, "--json"))
    (root,) = (path for path in tmp_path.iterdir() if (path / "audit.db").is_file())
    assert f"{root.name} has no rankings yet; `dempo show {root.name}`" in told(dempo("rank", root), 2)


def test_a_strangers_record_with_something_else_for_rankings_is_refused(judged: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(judged, tmp_path / judged.name))
    with sqlite3.connect(root / "audit.db") as db:
        triggers = [sql for (sql,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for trigger in triggers:
            db.execute(f'DROP TRIGGER "{trigger}"')
        db.execute("UPDATE events SET payload = json_set(payload, '$.ranking[0]', 7) WHERE kind = 'judge.called'")
    db.close()
    assert "is none that an engine records" in told(dempo("rank", root), 2)


# ------------------------------------------------------------ what is printed


def test_rows_as_csv_have_their_notes_and_the_rest_goes_to_standard_error(file: Path) -> None:
    ended = dempo("rank", file, *FEW, "--csv", "--drop", "d")
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    view = ["method", "condition", "score", "low", "high", "position", "rankings", "resample", "resamples"]
    assert list(rows[0]) == [*view, "confidence", "units", "interval", "mean", "note"]
    wanted = by_hand(restricted("abc", listed()), methods=METHODS_OF_FEW)
    found = {
        (r["method"], r["condition"]): (*(float(r[n]) for n in ("score", "low", "high")), int(r["position"]))
        for r in rows
    }
    assert found == wanted
    assert all(row["rankings"] == "16" and "intervals resample questions" in row["note"] for row in rows)
    assert ended.stderr == "dempo: note: 3 of 4 conditions: a, b, c\n"
    assert "give one of them" in told(dempo("rank", file, "--csv", "--json"), 2)


def test_hostile_names_stay_in_their_cells(tmp_path: Path) -> None:
    names = ("\x1b[31ma", "b\u202e\n\nc", "=cmd|' /C calc'!A0", "\ud800", 'say "x", then')
    path = tmp_path / "r.jsonl"
    rows = [
        {"question_id": "\x1b[0m", "clause_id": f"\x1b{q}", "judge": f"{judge}\x1b\n", "ranking": list(names)}
        for q in range(2)
        for judge in "xy"
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for options in ([], ["--csv"], ["--json"], ["--csv", "--only", names[0], "--only", names[3]]):
        ended = dempo("rank", path, "--resamples", 3, "--method", "borda,kemeny", *options)
        assert ended.returncode == 0, ended.stderr
        for text in (ended.stdout, ended.stderr):
            assert not {"\x1b", "\u202e", "\ud800"} & set(text)
    table = list(csv.DictReader(io.StringIO(dempo("rank", path, "--csv", "--method", "borda").stdout)))
    assert [row["condition"] for row in table][2:4] == ["'=cmd|' /C calc'!A0", "<U+D800>"]
    assert [row["condition_escaped"] for row in table] == ["true", "true", "true", "true", ""]
    for wrong in (["--only", "\x1b[2J"], ["--judge", "\x1b[2J"], ["--method", "\x1b[2J"]):
        assert "\x1b" not in told(dempo("rank", path, *wrong), 2)


def test_files_and_runs_are_completed(judged: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.csv").touch()
    context: Any = SimpleNamespace(
        params={"runs_dir": judged.parent}, parent=None, get_parameter_source=lambda name: None
    )
    assert run_or_file_names(context, f"{tmp_path}/f") == [f"{tmp_path}/file.csv", f"{tmp_path}/folder/"]
    assert run_or_file_names(context, judged.name[:10]) == [judged.name]
    assert run_or_file_names(context, f"{tmp_path}/none/f") == []


def test_help_says_which_files_are_read() -> None:
    text = dempo("rank", "--help").stdout
    for word in ("question_id, judge, ranking", "question_id, a, b, winner", "clause_id", "wins_i", "FILE|RUN"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100
