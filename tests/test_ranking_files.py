"""Rankings from files: every form that people have is read, and what cannot be used is refused with its line."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import pytest
from published_sample import write_sample

from core.errors import InputError
from core.ranking.files import RankingFile, listed_rankings, read_file
from core.types import Ranking

KINDS = Path(__file__).resolve().parents[2] / "shared" / "data" / "cases" / "judging" / "rankfiles"


def row(**changes: object) -> str:
    plain = {"question_id": "1:1", "clause_id": 1, "judge": "m#0", "ranking": ["a", "b"]}
    return json.dumps({key: value for key, value in (plain | changes).items() if value is not None})


def other(**changes: object) -> str:
    """A row of another judge."""
    return row(**{"judge": "m#1", **changes})


def written(tmp_path: Path, *lines: str, name: str = "rankings.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def csv_file(tmp_path: Path, *lines: str) -> RankingFile:
    return read_file(written(tmp_path, *lines, name="rankings.csv"))


def test_our_export(tmp_path: Path) -> None:
    path = written(tmp_path, row(), "", row(judge="m#1", ranking=["b", "a"], more="ignored", shown=["a", "b"]))
    found = read_file(path)
    assert found.rankings == (Ranking("1:1", 1, "m#0", ("a", "b")), Ranking("1:1", 1, "m#1", ("b", "a")))
    assert found.shown == ((), ("a", "b"))
    assert not found.votes
    assert not found.clauses


def test_the_published_format(tmp_path: Path) -> None:
    line = json.dumps({"question_id": "2:7", "clause_id": 2, "rankings": [["a", "b"], ["b", "a"]], "models": []})
    assert read_file(written(tmp_path, line)).rankings == (
        Ranking("2:7", 2, "judge#0", ("a", "b")),
        Ranking("2:7", 2, "judge#1", ("b", "a")),
    )


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    for text in (row(), f"[{row()}]", "question_id,judge,ranking\n1:1,m#0,a>b\n"):
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert [one.order for one in read_file(path).rankings] == [("a", "b")]


def test_questions_by_numbers_are_those_by_texts(tmp_path: Path) -> None:
    found = read_file(written(tmp_path, row(question_id=7), row(question_id="7", judge="m#1"), row(question_id=8)))
    assert [one.question_id for one in found.rankings] == ["7", "7", "8"]
    with pytest.raises(InputError, match=r'line 2: "m#0" ranks question "7" a second time \(first: .*, line 1\)'):
        read_file(written(tmp_path, row(question_id=7), row(question_id="7")))


def test_clauses_by_numbers_keep_them_and_others_are_numbered_as_they_appear(tmp_path: Path) -> None:
    def clauses(*given: object) -> tuple[list[int], dict[int, str], bool]:
        lines = [row(question_id=str(k), clause_id=clause) for k, clause in enumerate(given)]
        found = read_file(written(tmp_path, *lines))
        return [one.clause_id for one in found.rankings], dict(found.clauses), found.no_clause

    assert clauses(3, "1", 3) == ([3, 1, 3], {}, False)
    assert clauses("safety", "honesty", "safety") == ([1, 2, 1], {1: "safety", 2: "honesty"}, False)
    assert clauses(None, None) == ([1, 1], {}, True)
    assert clauses("7", "safety", None) == ([1, 2, 3], {1: "7", 2: "safety", 3: "(none)"}, False)
    assert clauses("07", "²") == ([1, 2], {1: "07", 2: "²"}, False)


def test_an_array_says_line_and_entry(tmp_path: Path) -> None:
    entries = [row(), row(judge="m#1"), row(question_id="1:2", ranking=["b", "a"])]
    pretty = json.dumps([json.loads(entry) for entry in entries], indent=2)
    for text in (f"[{','.join(entries)}]", pretty):
        assert len(read_file(written(tmp_path, text)).rankings) == 3
    with pytest.raises(InputError, match=r"line 2, entry 2: .* has besides: 'c'"):
        read_file(written(tmp_path, f"[{row()},", f" {other(ranking=['a', 'c', 'b'])}]"))
    for wrong, message in [
        (f"[{row()} {row()}]", "line 1, entry 1: this is not JSON .a comma or ]"),
        (f"[{row()},", "line 2, entry 2: this is not JSON"),
        (f"[{row()}] x", 'jsonl: "x" follows the end'),
        ("[1]", "line 1, entry 1: expected a JSON object"),
        ("[" * 100_000, "line 1, entry 1: this is not JSON .nested too deeply"),
        ("[]", "holds no rankings"),
    ]:
        with pytest.raises(InputError, match=message):
            read_file(written(tmp_path, wrong))


ORDERS = {"7": ("b", "a", "c"), "8": ("c", "b", "a")}
TABLES = {
    "a list in a cell": ["question_id,clause,judge,ranking", "7,x,j,b > a > c", '8,y,j,"c>b>a"'],
    "a column for each place": ["Question;Judge;Clause;1;2;3", "7;j;x;b;a;c", "8;j;y;c;b;a"],
    "places in words": [
        "sep=\t",
        "first\tsecond\tthird\tquestion\tjudge\tclause",
        "b\ta\tc\t7\tj\tx",
        "c\tb\ta\t8\tj\ty",
    ],
    "a column for each condition": ["question,judge,a,b,c,clause", "7,j,2,1,3,x", "8,j,3,2.0,1,y"],
    "a row for each condition": [
        "question,judge,condition,rank,clause",
        *("7,j,a,2,x", "7,j,c,3,x", "8,j,c,1,y", "7,j,b,1,x", "8,j,a,3,y", "8,j,b,2,y"),
    ],
}


@pytest.mark.parametrize("lines", TABLES.values(), ids=TABLES)
def test_tables_of_any_shape_say_the_same(tmp_path: Path, lines: list[str]) -> None:
    found = csv_file(tmp_path, *lines)
    assert found.rankings == (Ranking("7", 1, "j", ORDERS["7"]), Ranking("8", 2, "j", ORDERS["8"]))
    assert found.clauses == {1: "x", 2: "y"}


def test_a_column_of_ranks_keeps_the_name_of_its_condition(tmp_path: Path) -> None:
    """Only what means something here is read in any case; a column without a name, as some tools write, is nothing."""
    found = csv_file(tmp_path, ",QUESTION,Judge,A,Winner,rank", "0,7,j,2,1,3")
    assert found.rankings == (Ranking("7", 1, "j", ("Winner", "A", "rank")),)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["question,judge,a,b", "7,j,1,1"], 'line 2: "a" and "b" share rank 1; break the tie'),
        (["question,judge,a,b", "7,j,1,"], 'line 2: the rank of "b" is ""; it must be a whole number from 1'),
        (["question,judge,a,b", "7,j,7.5,8"], 'line 2: the rank of "a" is "7.5"'),
        (["question,judge,a,b,date", "7,j,1,2,May"], "where .date. is no condition, remove its column"),
        (["question,judge,a,b", "7,j,4,5"], "line 2: ranks must be 1 to 2, each once"),
        (["question,judge,a,b", "7,j,0,1"], "line 2: ranks must be 1 to 2, each once"),
        (["question,judge,1,2", "7,j,a,"], "line 2: a place is empty; every ranking must be complete"),
        (["question,judge,1,2", "7,j,a,b", "8,j,a,a"], "line 3: .* names twice: 'a'"),
        (["question,judge,ranking", "7,j,a=b>c"], r"line 2: 'ranking' has a sign of a tie \(=\)"),
        (["question,judge,ranking", "7,j,a>>c"], "line 2: 'ranking' must name the conditions, best first"),
        (["question,a,b", "7,1,2"], "line 2: the key 'judge' is missing; name who ranked"),
        (["question,judge,a,b", ",j,1,2"], "line 2: 'question' must be a text or a whole number; it is \"\""),
        (["question,judge,condition,rank", "7,j,a,1", "7,j,b,2", "8,j,a,1"], "line 4: .* lacks: 'b'"),
        (
            ["question,judge,condition,rank", "7,j,a,1", "7,j,b,2", "7,j,a,2"],
            r'line 4: judge "j" ranks "a" on question "7" a second time \(first: line 2\)',
        ),
        (["question,judge,a,b", "7,j,1,2", "7,j,2,1"], r"line 3: .* a second time \(first: .*line 2\)"),
        (["question,judge,a,a", "7,j,1,2"], 'line 1: two columns are called "a"; rename one'),
        (["question,judge", "7,j"], "line 2: the columns rank nothing"),
        (["question,judge,a,b", '7,j,1,"2'], "line 2: a quote opens in this row and never closes"),
        (["question,judge,a,b"], "has column names but no rows"),
        (["judge,a,b", "j,1,2"], "line 1: this is not JSON .*question_id among them"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        csv_file(tmp_path, *lines)


def test_spreadsheets_and_other_texts_say_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rankings.csv"
    for body, message in [
        (b"PK\x03\x04....", "is a spreadsheet"),
        ("question,judge,a,b\n".encode("utf-16"), "is UTF-16 text"),
        (b"question,judge,a,b\n7,\xff,1,2\n", "line 2: byte 3 is not UTF-8"),
        (b"[\n\xff]", "line 2: this is not UTF-8"),
    ]:
        path.write_bytes(body)
        with pytest.raises(InputError, match=message):
            read_file(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: this is not JSON"),
        ("{} {}", "line 2: this is not JSON .Extra data"),
        ('{"a": ' + "9" * 5000 + "}", "line 2: this is not JSON"),
        ("[" * 100_000, "line 2: this is not JSON"),
        ("[1]", "line 2: expected a JSON object"),
        (row(question_id=None), "line 2: the key 'question_id' is missing"),
        (row(judge=None), "line 2: the key 'judge' is missing"),
        (row(ranking=None), r"line 2: the key 'ranking' \(one order\) or 'rankings'"),
        (row(clause_id=True), "line 2: 'clause_id' must be a text or a whole number; it is true"),
        (row(clause_id=1.5), "line 2: 'clause_id' must be a text or a whole number; it is 1.5"),
        (row(question_id=7.5), "line 2: 'question_id' must be a text or a whole number; it is 7.5"),
        (row(question_id=""), "line 2: 'question_id' must be a text or a whole number; it is \"\""),
        (row(ranking="ab"), "line 2: 'ranking' must be a list of names"),
        (row(ranking=[]), "line 2: 'ranking' must be a list of names"),
        (row(ranking=["a", 2]), "line 2: 'ranking' must be a list of names"),
        (row(ranking=[["a", "b"]]), "line 2: 'ranking' holds a list within the list, which would be a tie: .*winner"),
        (row(ranking=None, rankings="ab"), "line 2: 'rankings' must be a list of orders"),
        (row(ranking=None, rankings=[["a", "b"], "ab"]), r"line 2: 'rankings\[1\]' must be a list of names"),
        (other(ranking=["a", "a"]), "line 2: .* names twice: 'a'"),
        (other(ranking=["a"]), "line 2: .* lacks: 'b'"),
        (other(ranking=["a", "c", "b"]), "line 2: .* has besides: 'c'.*write votes between two"),
        (other(shown=["a", "c"]), "line 2: 'shown' holds other conditions than 'ranking'"),
        (row(ranking=None, a="a", b="b", winner="a"), "line 2: this is a vote between two; whole rankings"),
        (row(), r'line 2: "m#0" ranks question "1:1" a second time \(first: .*, line 1\); leave one'),
    ],
)
def test_wrong_lines_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_file(written(tmp_path, row(), line))


def test_a_published_row_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    line = json.dumps({"question_id": "2:7", "clause_id": 2, "rankings": [["a", "b"], ["b", "a"]]})
    with pytest.raises(InputError, match=r'line 2: "judge#0" ranks question "2:7" a second time .*line 1'):
        read_file(written(tmp_path, line, line))


def test_a_duplicate_in_the_first_ranking_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: .* names twice: 'a'"):
        read_file(written(tmp_path, row(ranking=["a", "a", "b"])))


def test_files_without_rankings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rankings\.jsonl holds no rankings"):
        read_file(written(tmp_path, "", row(ranking=None, rankings=[])))
    with pytest.raises(InputError, match=r"rankings\.jsonl holds no rankings"):
        read_file(written(tmp_path, ""))
    with pytest.raises(InputError, match="cannot read the rankings .*: No such file"):
        read_file(tmp_path / "absent.jsonl")
    with pytest.raises(InputError, match="cannot read the rankings .*: Is a directory"):
        read_file(tmp_path)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(row().encode() + b"\n\xff\n")
    with pytest.raises(InputError, match="line 2: this is not UTF-8"):
        read_file(broken)


def test_people_and_recorded_judges_may_leave_the_clause_out(tmp_path: Path) -> None:
    """They are read by the same rules, each ranking with the place that a message needs."""
    path = written(tmp_path, row(clause_id=None), row(clause_id="safety", question_id=2))
    first, second = listed_rankings(path, path.read_bytes())
    assert (first.where, first.clause, first.question_id) == (f"{path}, line 1", None, "1:1")
    assert (second.where, second.clause, second.question_id) == (f"{path}, line 2", "safety", "2")
    votes = written(tmp_path, json.dumps({"question": 1, "a": "x", "b": "y", "winner": "x"}))
    with pytest.raises(InputError, match="line 1: this is a vote between two; whole rankings are needed here"):
        list(listed_rankings(votes, votes.read_bytes()))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_bytes_there_are_the_file_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    """Rows of every shape, cut, doubled and mixed: nothing but a sentence comes of it."""
    draw, path = random.Random(seed), tmp_path / "any"
    pieces = [
        row().encode(),
        other(ranking=["b", "a"]).encode(),
        b"[",
        b"]",
        b",",
        b"\n",
        b'"',
        b"\xef\xbb\xbf",
        b"\xff",
    ]
    pieces += [line.encode() + b"\n" for lines in TABLES.values() for line in lines]
    pieces += [b'{"question":1,"a":"x","b":"y","winner":"x"}\n', b'{"question":1,"a":"x","b":"y","winner":1}\n']
    for _ in range(150):
        path.write_bytes(b"".join(draw.choices(pieces, k=draw.randint(0, 7))))
        with suppress(InputError):
            found = read_file(path)
            assert found.rankings or found.votes


REFUSED = {
    "blank": "holds no rankings",
    "empty": "holds no rankings",
    "dup": "line 2: .*a second time",
    "nojudge": "line 1: the key 'judge' is missing; name who ranked",
    "nulls": "line 1: 'ranking' must be a list of names",
    "partial": "line 2: .* lacks: 'c'",
    "ties": "line 1: .*tie",
}


@pytest.mark.skipif(not KINDS.exists(), reason="the collected files are not part of the repository")
def test_files_that_failed_once() -> None:
    paths = sorted(KINDS.iterdir())
    assert len(paths) == 19
    for path in paths:
        if path.stem in REFUSED:
            with pytest.raises(InputError, match=REFUSED[path.stem]):
                read_file(path)
        else:
            found = read_file(path)
            assert found.rankings or (found.votes and path.stem == "pairwise")


def test_the_published_sample(tmp_path: Path) -> None:
    rankings = read_file(write_sample(tmp_path / "sample.jsonl")).rankings
    assert len(rankings) == 150
    assert len(rankings[0].order) == 6
    assert rankings[0].order[0] == "checkpoints/llama3.1-8b-full-prism"


def test_all_orders_survive_every_shape(tmp_path: Path) -> None:
    orders = list(permutations("abcd"))
    listed = csv_file(tmp_path, "question,judge,ranking", *(f"{k},j,{'>'.join(o)}" for k, o in enumerate(orders)))
    places = csv_file(tmp_path, "question,judge,1,2,3,4", *(f"{k},j,{','.join(o)}" for k, o in enumerate(orders)))
    ranks = csv_file(
        tmp_path,
        "question,judge,a,b,c,d",
        *(f"{k},j,{','.join(str(o.index(name) + 1) for name in 'abcd')}" for k, o in enumerate(orders)),
    )
    assert [one.order for one in listed.rankings] == orders
    assert listed == places == ranks
