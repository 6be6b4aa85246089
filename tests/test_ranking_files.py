"""Rankings from files: both formats are read, and wrong input is refused with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import InputError
from core.ranking.files import read_rankings
from core.types import Ranking

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "judge_rankings_sample.jsonl"


def row(**changes: object) -> str:
    plain = {"question_id": "1:1", "clause_id": 1, "judge": "m#0", "ranking": ["a", "b"]}
    return json.dumps({key: value for key, value in (plain | changes).items() if value is not None})


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "rankings.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_our_export(tmp_path: Path) -> None:
    path = written(tmp_path, row(), "", row(judge="m#1", ranking=["b", "a"], more="ignored"))
    assert read_rankings(path) == (Ranking("1:1", 1, "m#0", ("a", "b")), Ranking("1:1", 1, "m#1", ("b", "a")))


def test_the_published_format(tmp_path: Path) -> None:
    line = json.dumps({"question_id": "2:7", "clause_id": 2, "rankings": [["a", "b"], ["b", "a"]], "models": []})
    assert read_rankings(written(tmp_path, line)) == (
        Ranking("2:7", 2, "judge#0", ("a", "b")),
        Ranking("2:7", 2, "judge#1", ("b", "a")),
    )


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + row().encode())
    assert len(read_rankings(path)) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: this is not JSON"),
        ("[" * 100_000, "line 2: this is not JSON"),
        ("[1]", "line 2: expected a JSON object"),
        (row(question_id=None), "line 2: the key 'question_id' is missing"),
        (row(clause_id=None), "line 2: the key 'clause_id' is missing"),
        (row(judge=None), "line 2: the key 'judge' is missing"),
        (row(ranking=None), r"line 2: the key 'ranking' \(one order\) or 'rankings'"),
        (row(clause_id="one"), "line 2: 'clause_id' must be an integer; it is \"one\""),
        (row(clause_id=True), "line 2: 'clause_id' must be an integer; it is true"),
        (row(question_id=7), "line 2: 'question_id' must be a text; it is 7"),
        (row(ranking="ab"), "line 2: 'ranking' must be a list of names"),
        (row(ranking=[]), "line 2: 'ranking' must be a list of names"),
        (row(ranking=["a", 2]), "line 2: 'ranking' must be a list of names"),
        (row(ranking=None, rankings="ab"), "line 2: 'rankings' must be a list of orders"),
        (row(ranking=None, rankings=[["a", "b"], "ab"]), r"line 2: 'rankings\[1\]' must be a list of names"),
        (row(ranking=["a", "a"]), "line 2: .* names twice: 'a'"),
        (row(ranking=["a"]), "line 2: .* lacks: 'b'"),
        (row(ranking=["a", "c"]), "line 2: .* lacks: 'b'; has besides: 'c'"),
    ],
)
def test_wrong_lines_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_rankings(written(tmp_path, row(), line))


def test_a_duplicate_in_the_first_ranking_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: .* names twice: 'a'"):
        read_rankings(written(tmp_path, row(ranking=["a", "a", "b"])))


def test_files_without_rankings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rankings\.jsonl holds no rankings"):
        read_rankings(written(tmp_path, "", row(ranking=None, rankings=[])))
    with pytest.raises(InputError, match="cannot read the rankings .*: No such file"):
        read_rankings(tmp_path / "absent.jsonl")
    with pytest.raises(InputError, match="cannot read the rankings .*: Is a directory"):
        read_rankings(tmp_path)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(row().encode() + b"\n\xff\n")
    with pytest.raises(InputError, match="line 2: this is not UTF-8"):
        read_rankings(broken)


@pytest.mark.skipif(not SAMPLE.exists(), reason="the published sample is not part of the repository")
def test_the_published_sample() -> None:
    rankings = read_rankings(SAMPLE)
    assert len(rankings) == 150
    assert len(rankings[0].order) == 6
    assert rankings[0].order[0] == "checkpoints/llama3.1-8b-full-prism"
