"""Answers and shown orders that stand beside rankings in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import dempo

from core.errors import InputError
from core.ranking.beside import judged_of
from core.ranking.files import read_file
from core.types import Judged, Ranking


def beside(path: Path, rankings: list[Ranking] | None = None) -> tuple[Judged, list[str]]:
    """What a file knows of its rankings, or of some of them."""
    read = read_file(path)
    keys = [(one.question_id, one.judge) for one in read.rankings]
    return judged_of(rankings or read.rankings, dict(zip(keys, read.shown, strict=True)), read.sizes)


def found(tmp_path: Path, *rows: dict[str, Any]) -> tuple[Judged, list[str]]:
    path = tmp_path / "rankings.jsonl"
    path.write_text("\n".join(json.dumps({"clause_id": 1} | row) for row in rows) + "\n", encoding="utf-8")
    return beside(path)


PUBLISHED: dict[str, Any] = {"question_id": "1:1", "rankings": [["b", "c", "a"], ["a", "b", "c"]]}


@pytest.mark.parametrize(
    "keys",
    [
        {"judge_orders": [["a", "b", "c"], ["c", "a", "b"]]},
        {"order": [["a", "b", "c"], ["c", "a", "b"]]},
        {"judge_label_to_model": [{"A": "a", "B": "b", "C": "c"}, {"B": "a", "A": "c", "C": "b"}]},
        {"judge_raw": [{"ranking": ["B", "C", "A"]}, {"ranking": ["B", "C", "A"]}]},
        {"judge_raw": ['{"ranking": ["B", "C", "A"]}', {"ranking": ["B", "C", "A"]}]},
    ],
)
def test_each_published_way_says_what_was_shown(keys: dict[str, Any], tmp_path: Path) -> None:
    assert found(tmp_path, PUBLISHED | keys)[0].shown == (("a", "b", "c"), ("c", "a", "b"))


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"order": "as usual"},
        {"order": [["a", "b"], ["a", "b", "x"]]},
        {"order": ["a", "b", "c"]},
        {"judge_orders": [3, None]},
        {"judge_label_to_model": [{"A": 1}, {"A": "a"}]},
        {"judge_raw": ["I rank B first", {"ranking": ["B", "B", "A"]}]},
        {"judge_raw": [{"ranking": ["b", "c", "a"]}, [1]]},
        {"judge_raw": [{"ranking": [["B"], "C", "A"]}]},
        {"judge_raw": [None, {"order": 2}]},
    ],
)
def test_what_is_no_order_says_nothing(keys: dict[str, Any], tmp_path: Path) -> None:
    judged, notes = found(tmp_path, PUBLISHED | keys)
    assert judged.shown == ((), ())
    assert notes == []


def test_our_own_rows_may_hold_both(tmp_path: Path) -> None:
    row = {"question_id": "1:1", "judge": "m#0", "ranking": ["a", "b"], "shown": ["b", "a"]}
    judged, _ = found(tmp_path, row | {"responses": {"a": "one  two\nthree", "b": ""}}, row | {"judge": "m#1"})
    assert judged.shown == (("b", "a"), ("b", "a"))
    assert judged.lengths == {("a", "1:1"): 14, ("b", "1:1"): 0}
    assert judged.words == {("a", "1:1"): 3, ("b", "1:1"): 0}
    with pytest.raises(InputError, match="line 1: 'shown' holds other conditions"):
        found(tmp_path, row | {"shown": ["a", "c"]})


def test_some_of_the_rankings_keep_what_is_beside_them(tmp_path: Path) -> None:
    """As `--only` and `--judge` leave them: fewer conditions, fewer judges."""
    path = tmp_path / "rankings.jsonl"
    keys = {"order": [["a", "b", "c"], ["c", "a", "b"]], "responses": {"a": "x", "b": "yy", "c": "zzz"}}
    path.write_text(json.dumps({"clause_id": 1} | PUBLISHED | keys) + "\n", encoding="utf-8")
    second = read_file(path).rankings[1]
    judged, _ = beside(path, [Ranking("1:1", 1, second.judge, ("c", "b"))])
    assert judged.shown == (("c", "b"),)
    assert judged.lengths == {("c", "1:1"): 3, ("b", "1:1"): 2}


def test_lengths_that_are_not_all_there_are_left_out_with_a_sentence(tmp_path: Path) -> None:
    rows = PUBLISHED | {"responses": {"a": "x", "b": None}}, PUBLISHED | {"question_id": "1:2"}
    judged, notes = found(tmp_path, *rows)
    assert judged.lengths == {}
    assert notes == ["lengths of answers are left out: 5 of 6 ranked answers are not in 'responses'"]


def test_the_command_says_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rankings.jsonl"
    rows = [
        {"question_id": f"{c}:{q}", "clause_id": c, "rankings": [["a", "b"], ["b", "a"], ["a", "b"]]}
        | {"responses": {"a": "x" * (3 + q), "b": "y z" * (1 + c + 2 * (q % 2))}, "order": [["b", "a"]] * 3}
        for c in (1, 2)
        for q in range(5)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    told = dempo("rank", path, "--resamples", "10")
    assert told.returncode == 0, told.stderr
    for words in (
        "Judges: agreement and biases",
        "on 10 questions: Kendall τ -0.333, median -0.333; first place: agreement 0.667, margin 0.333",
        "shown place, of 30 rankings: correlation with rank -0.333",
        "least agreed on: 1:0 (τ -0.33)",
        "Clauses: Borda score of each condition",
        "Win rates with the length of answers held fixed",
        "one standard deviation more of length is worth",
    ):
        assert words in " ".join(told.stdout.split()), words
    assert max(map(len, told.stdout.split("Judges: agreement")[1].splitlines())) <= 80
    data = json.loads(dempo("rank", path, "--resamples", "10", "--json").stdout)
    assert {row["clause_id"] for row in data["clause_scores"]} == {1, 2}
    assert [row["condition"] for row in data["length_controlled"]] == ["a", "b"]
    assert len(data["question_agreement"]) == 10
    assert {row["leader"] for row in data["clause_leaders"]} == {"a"}
    assert {"length_rank_pearson", "shown_p"} <= {row["name"] for row in data["judge_diagnostics"]}
