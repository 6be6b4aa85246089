"""Batches by tokens: planned by what questions and answers may take, recorded, and what the verifier expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.evaluation.batches_of_questions import BYTES_OF_A_TOKEN, WRAPPING, batch_sizes
from core.sections.who_judges import AnswerSection
from storage.record.reader import Reader
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console


def section(**values: Any) -> AnswerSection:
    return AnswerSection.model_validate(
        {"constitution": "c", "questions": "q", "max_tokens": 100, "batch": 4, **values}
    )


def test_without_a_bound_every_batch_is_full_but_the_last() -> None:
    assert batch_sizes(["a"] * 10, section()) == [4, 4, 2]
    assert batch_sizes([], section()) == []


def test_a_long_question_is_answered_with_fewer_beside_it() -> None:
    """By hand: rows of 1 + 32 + 100 and of 1,000 + 32 + 100 tokens; 600 tokens hold four of the first."""
    texts = ["abc", "abc", "abc", "x" * 3000, "abc"]
    assert batch_sizes(texts, section(batch_tokens=600)) == [3, 1, 1]
    assert batch_sizes(texts, section(batch_tokens=2300)) == [3, 2]


@given(st.lists(st.text(max_size=200), max_size=40), st.integers(1, 5000), st.integers(1, 20))
def test_batches_hold_all_questions_and_no_more_tokens_than_wanted(texts: list[str], tokens: int, most: int) -> None:
    sizes = batch_sizes(texts, section(batch_tokens=tokens, batch=most))
    assert sum(sizes) == len(texts)
    left = list(texts)
    for size in sizes:
        batch, left = left[:size], left[size:]
        longest = max(-(-len(text.encode()) // BYTES_OF_A_TOKEN) for text in batch) + WRAPPING + 100
        assert 1 <= size <= most
        assert size == 1 or size * longest <= tokens


def test_questions_that_are_yet_to_be_written_have_no_such_batches() -> None:
    with pytest.raises(ValueError, match="batch_tokens plans batches by questions that exist"):
        section(batch_tokens=100, questions=None, generate={"model": "m"})


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = small_demo(tmp_path_factory.mktemp("batches"), [*TINY, "answer.batch_tokens=160"])
    assert work(root, "answer", Console(quiet=True)) == 0
    return root


def wrong(root: Path) -> str:
    return "; ".join(check.detail for check in verify(root) if check.verdict == "failed")


def test_a_run_answers_in_them_and_says_how_fast(answered: Path) -> None:
    assert wrong(answered) == ""
    reader = Reader(answered)
    (plan,) = reader.query("SELECT payload->'$.batches' AS sizes FROM events WHERE kind = 'questions.planned'")
    assert plan["sizes"] != "[4,4]", "four questions are too many for 160 tokens"
    rows = reader.view("answer_speed")
    told = {row["condition"]: (row["answers"], row["tokens"]) for row in rows}
    counted = reader.query("SELECT condition, count(*) AS n, sum(tokens) AS t FROM answers GROUP BY 1")
    assert told == {row["condition"]: (row["n"], row["t"]) for row in counted}
    units = "kind = 'unit.completed' AND stage = 'answer' AND payload->>'$.unit' <> 'questions'"
    seconds = reader.query(f"SELECT sum(payload->>'$.seconds') AS s FROM events WHERE {units}")
    assert sum(row["seconds"] for row in rows) == pytest.approx(seconds[0]["s"], abs=0.01)


def test_a_plan_with_other_batches_fails(answered: Path, tmp_path: Path) -> None:
    def fewer(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "questions.planned":
                row.payload["batches"] = row.payload["batches"][:-1]
        return rows

    assert "the planned batches are not of 8 questions" in wrong(forged(answered, tmp_path, fewer))


def test_a_plan_without_the_configured_batches_fails(answered: Path, tmp_path: Path) -> None:
    def none(rows: list[Row]) -> list[Row]:
        for row in rows:
            row.payload.pop("batches", None)
        return rows

    assert "differ in whether batches are by tokens" in wrong(forged(answered, tmp_path, none))
