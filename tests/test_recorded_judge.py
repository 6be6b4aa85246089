"""Rankings that exist already, as a judge: what the file holds is recorded, ranked and verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.errors import InputError
from core.stage import Context
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console


def line(question: str, judge: str, order: list[str], clause: int | None = None) -> dict[str, Any]:
    clause = int(question.partition(":")[0]) if clause is None else clause
    return {"question_id": question, "clause_id": clause, "judge": judge, "ranking": order}


def some_lines(conditions: list[str]) -> list[dict[str, Any]]:
    """Two rankings of the first question, one of all others but the last, which has none."""
    questions = [f"{clause}:{i}" for clause in (1, 2) for i in range(4)][:-1]
    there, back = sorted(conditions), sorted(conditions, reverse=True)
    return [line(q, "ann", there if i % 3 else back) for i, q in enumerate(questions)] + [line("1:0", "bob", there)]


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
    return path


def settings(file: Path, rankings: int = 2) -> list[str]:
    people = f'{{kind = "recorded", model = "our jury", recorded = "{file}", rankings = {rankings}}}'
    return [*TINY, f'judge.judges=[{people}, {{kind = "planted", model = "citizens", rankings = 1}}]']


@pytest.fixture(scope="module")
def conditions(trained: Path) -> list[str]:
    return [row["condition"] for row in Reader(trained).view("conditions")]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, conditions: list[str]) -> Path:
    """A run that people ranked, beside citizens of a planted world."""
    folder = tmp_path_factory.mktemp("people")
    root = small_demo(folder, settings(written(folder / "jury.jsonl", some_lines(conditions))))
    assert work(root, None, Console(quiet=True)) == 0
    return root


def said_of(root: Path, name: str) -> tuple[str, str]:
    (check,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == name]
    return check.verdict, check.detail


def test_what_the_file_holds_is_ranked_beside_other_judges(people: Path, conditions: list[str]) -> None:
    reader = Reader(people)
    calls = [row for row in reader.view("judge_calls") if row["judge_kind"] == "recorded"]
    assert sorted((row["judge"], row["question_id"]) for row in calls) == sorted(
        [("our jury#0", f"{q}") for q in ("1:0", "1:1", "1:2", "1:3", "2:0", "2:1", "2:2")] + [("our jury#1", "1:0")]
    )
    assert {row["detail"] for row in calls} == {"by ann in jury.jsonl", "by bob in jury.jsonl"}
    bob = [row["condition"] for row in reader.view("rankings") if row["judge"] == "our jury#1"]
    assert bob == sorted(conditions)
    assert {row["rankings"] for row in reader.view("leaderboards")} == {8 + 8}


def test_every_check_of_it_is_ok(people: Path) -> None:
    assert [(c.name, c.verdict, c.detail) for c in verify(people) if c.verdict not in ("ok", "unchecked")] == []
    _, told = said_of(people, "judge calls")
    assert (
        told == "8 calls showed the answers in the order that the seed gives; 8 ranked them; 8 rankings read from files"
    )


def test_a_repetition_reads_the_file_again_and_says_where_it_changed(people: Path) -> None:
    def verdicts() -> set[str]:
        (found,) = replay_run(people, "judge", None, False).stages
        return {row.verdict for row in found.events if row.kind in ("rankings.read", "judge.called")}

    assert verdicts() == {"same"}
    file = people.parent / "jury.jsonl"
    body = file.read_text(encoding="utf-8")
    file.write_text(body.replace("ann", "eve"), encoding="utf-8")
    assert verdicts() == {"not replayed"}
    file.write_text(body, encoding="utf-8")


def turned(rows: list[Row]) -> list[Row]:
    """The ranking of people turned round."""
    call = next(row.payload for row in rows if row.payload.get("judge_kind") == "recorded")
    call["ranking"] = call["ranking"][::-1]
    return rows


def called_twice(rows: list[Row]) -> list[Row]:
    read = next(row.payload for row in rows if row.kind == "rankings.read")
    read["rankings"]["2:2"] = 2
    return rows


def other_file(rows: list[Row]) -> list[Row]:
    read = next(row.payload for row in rows if row.kind == "rankings.read")
    read["file"]["sha256"] = "ab" * 32
    return rows


def order_invented(rows: list[Row]) -> list[Row]:
    call = next(row.payload for row in rows if row.payload.get("judge_kind") == "recorded")
    call["shown_order"] = call["ranking"]
    return rows


def other_name(rows: list[Row]) -> list[Row]:
    read = next(row.payload for row in rows if row.kind == "rankings.read")
    read["file"]["name"] = "other.jsonl"
    return rows


@pytest.mark.parametrize(
    ("attack", "check", "words"),
    [
        (turned, "replies", "the ranking, from the reply,"),
        (called_twice, "judge calls", "its number of rankings"),
        (other_file, "replies", "its request key is not that of its model, prompt and settings"),
        (other_name, "judge calls", "its name"),
        (order_invented, "judge calls", "the order shown"),
    ],
)
def test_what_was_altered_is_found(
    people: Path, tmp_path: Path, attack: Callable[[list[Row]], list[Row]], check: str, words: str
) -> None:
    verdict, told = said_of(forged(people, tmp_path, attack), check)
    assert verdict == "failed"
    assert words in told


def test_a_wrong_file_is_refused_before_a_run_is_made(tmp_path: Path, conditions: list[str]) -> None:
    good = some_lines(conditions)
    for lines, rankings, words in [
        ([*good, line("9:9", "ann", conditions)], 2, "ranks answers to question '9:9', which this run does not ask"),
        (
            [*good, line("1:1", "cec", conditions, clause=2)],
            2,
            "has question '1:1' under clause 2, this run under clause 1",
        ),
        ([*good, line("1:1", "ann", conditions)], 2, 'ranks question "1:1" a second time'),
        (good, 1, "holds 2 rankings of question '1:0', and rankings is 1; raise it"),
        ([line("1:1", "ann", [*conditions[1:], "x"])], 2, "has besides: 'x'"),
        ([], 2, "holds no rankings"),
    ]:
        file = written(tmp_path / "jury.jsonl", lines)
        with pytest.raises(InputError) as error:
            small_demo(tmp_path, settings(file, rankings))
        assert words in str(error.value)
    with pytest.raises(InputError, match="cannot read the rankings"):
        small_demo(tmp_path, settings(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="needs recorded, a file with its rankings"):
        small_demo(tmp_path, [*TINY, 'judge.judges=[{kind = "recorded", model = "our jury"}]'])
    assert [path for path in tmp_path.iterdir() if path.name.endswith("demo-planted")] == [], "no run was made"


@pytest.mark.long
def test_another_file_is_not_gone_on_with(
    tmp_path: Path, conditions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was stopped among the rankings has recorded which file it read."""
    file = written(tmp_path / "jury.jsonl", some_lines(conditions))
    root = small_demo(tmp_path, settings(file))
    looks = 0
    begin = Context.begin

    def stopping(ctx: Context, key: str) -> Any:
        nonlocal looks
        looks += key.startswith("our jury#0")
        if looks == 3:
            ctx.folder.stop_request.write_text("operator\n", encoding="utf-8")
        return begin(ctx, key)

    with monkeypatch.context() as patch:
        patch.setattr(Context, "begin", stopping)
        assert work(root, None, Console(quiet=True)) != 0
    body = file.read_text(encoding="utf-8")
    written(file, some_lines(conditions)[:-1])
    with pytest.raises(InputError, match="is not the file that this run read before"):
        work(root, None, Console(quiet=True))
    file.write_text(body, encoding="utf-8")
    assert work(root, None, Console(quiet=True)) == 0
    assert [(c.name, c.verdict, c.detail) for c in verify(root) if c.verdict not in ("ok", "unchecked")] == []
