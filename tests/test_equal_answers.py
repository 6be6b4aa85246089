"""Answers that are the same text are counted, and with `judge.ties = "skip"` nobody is paid to rank them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from both_verifiers import NEEDS_MORE
from memory_recorder import make_context
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.config import RunConfig
from core.errors import JudgeError
from core.evaluation.answers import Answers
from core.evaluation.judges.judge import plan_calls
from core.evaluation.stage import judge
from core.facts.judging.equal_answers import EqualAnswers, equal_answers, told_of_equal
from core.pipeline import stage_keys
from core.types import Question
from storage.judging.judging_notes import JudgingNotes
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from tui.commands.record.show import results
from tui.commands.runs.process import work
from tui.terminal.console import Console


def config(**judging: Any) -> RunConfig:
    judges = [{"kind": "planted", "model": "x", "rankings": 2}]
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": judges, **judging}})


def answers(*texts: str) -> Answers:
    """One question for each text, whose letters are what the conditions a, b, c said."""
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(len(texts)))
    said = {
        (name, q.question_id): letter
        for q, text in zip(asked, texts, strict=True)
        for name, letter in zip("abc", text, strict=True)
    }
    return Answers(asked, ("a", "b", "c"), said, Path("base"))


def test_they_are_counted_by_question_and_by_pair() -> None:
    found = equal_answers([[3], [2, 1], [1, 1, 1], [2, 2], [1]])
    assert found == EqualAnswers(questions=5, all_equal=1, some_equal=2, pairs=3 + 1 + 2)
    said = "all answers are the same text on 1 of 5 questions, some on 2 more (6 pairs of equal answers)"
    assert told_of_equal(found, skipped=False) == said
    assert "1 of 5 questions, which no judge was asked about, some" in told_of_equal(found, skipped=True)
    assert told_of_equal(equal_answers([[1, 1]]), skipped=True) == ""
    some, every = (told_of_equal(equal_answers(sizes), skipped=False) for sizes in ([[2, 1], [1, 2]], [[3]]))
    assert some == "some answers are the same text on 2 of 2 questions (2 pairs of equal answers)"
    assert every == "all answers are the same text on 1 of 1 question (3 pairs of equal answers)"


def test_skipped_questions_are_not_planned_and_the_others_are_asked_as_ever(tmp_path: Path) -> None:
    given = answers("xxx", "xxy", "xyz")
    ask, skip = config(), config(ties="skip")
    every, some = (plan_calls(make_context("judge", c, tmp_path), c.judge, given) for c in (ask, skip))  # type: ignore[arg-type]
    assert [call.key for call in some] == ["x#0/1:1", "x#0/1:2", "x#1/1:1", "x#1/1:2"]
    assert [call.order for call in some] == [call.order for call in every if call.question.question_id != "1:0"]


def test_a_run_of_equal_answers_alone_is_told_what_to_do(tmp_path: Path) -> None:
    ctx = make_context("judge", config(ties="skip"), tmp_path)
    with pytest.raises(
        JudgeError, match="each of the 2 questions are the same text.*clone the run with other conditions"
    ):
        judge(ctx, answers("xxx", "yyy"))


def test_runs_of_before_keep_their_keys() -> None:
    assert stage_keys(config()) != stage_keys(config(ties="skip"))
    assert "ties" not in config().model_dump(mode="json", exclude_none=True)["judge"]


@pytest.mark.long
def test_a_run_that_skips_is_whole_and_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["answer.max_tokens=3", "train.steps=8", "train.learning_rate=0.0017"]
    root = small_demo(tmp_path, [*TINY, *short, 'judge.ties="skip"'])
    assert work(root, None, Console(quiet=True)) == 0
    notes = JudgingNotes.of_run(Reader(root))
    assert 0 < notes.equal.all_equal < 8
    assert notes.coverage.outcomes.total() == 3 * (8 - notes.equal.all_equal)
    told = f"on {notes.equal.all_equal} of 8 questions, which no judge was asked about"
    capsys.readouterr()
    results(Reader(root), as_json=False)
    assert told in " ".join(capsys.readouterr().out.split())
    checks = {check.name: check for check in checks_of(read_record(root / "audit.db", tree_facts()))}
    assert {check.verdict for name, check in checks.items() if name not in NEEDS_MORE} == {"ok"}
    assert told in checks["answers"].detail


def test_a_call_about_equal_answers_is_one_that_no_such_run_makes(judged: Path, tmp_path: Path) -> None:
    """Else whoever runs it could add rankings of nothing to the boards."""

    def skipping(rows: list[Row]) -> list[Row]:
        rows[0].payload["config"]["judge"]["ties"] = "skip"
        return rows

    assert JudgingNotes.of_run(Reader(judged)).equal.all_equal
    run = forged(judged, tmp_path, skipping)
    checks = {check.name: check for check in checks_of(read_record(run / "audit.db", tree_facts()))}
    assert checks["judge calls"].verdict == "failed"
    assert "all answers are the same text, and such a question is skipped" in checks["judge calls"].detail
