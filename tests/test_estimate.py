"""What `dempo doctor` says that judging will take, against sums by hand and against what it took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import answered, dempo, told
from verified_runs import make_judged_run

from core.config import RunConfig
from core.evaluation.estimate import Measured, estimates, prompt_characters
from core.evaluation.prompts import judge_messages, recorded_prompt
from core.types import Question
from storage.judging.measured import measured_in
from storage.record.reader import Reader

JUDGE = {"kind": "openai", "model": "m", "rankings": 3, "max_tokens": 50, "concurrency": 2}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four calls, each counted as 11 tokens of prompt and 7 of reply."""
    return make_judged_run(tmp_path_factory.mktemp("estimated"))


def config(**judge: Any) -> RunConfig:
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": [JUDGE | judge]}})


def test_what_is_assumed_is_the_most() -> None:
    """Prompts of 100 and 301 characters, three times: 301 tokens; six replies of 50."""
    (found,) = estimates(config(price={"input": 1000, "output": 2000}), [100, 301], {})
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (6, 301, 300)
    assert (str(found.cost), found.hours, found.measured) == ("0.901000", None, 0)


def test_what_was_measured_takes_the_place_of_what_is_assumed() -> None:
    """Ten calls had 1,000 characters in 500 tokens, replies of 20 tokens and took 36 s: two at once, that is 3 h."""
    before = {"m": Measured(10, 1000, 500, 200, 36_000.0)}
    (found,) = estimates(config(), [100, 300], before)
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (6, 600, 120)
    assert (found.hours, found.cost, found.measured) == (3.0, None, 10)
    (other,) = estimates(config(model="another"), [100, 300], before)
    assert other.measured == 0


def test_prompts_are_those_that_judges_see() -> None:
    question = Question("1:0", 1, "Be kind.", 'What is "kind"?')
    texts = ["one", "another\n"]
    assert prompt_characters([(question, texts)]) == [len(recorded_prompt(judge_messages(question, texts)))]


def test_tokens_and_seconds_are_measured_in_the_runs_of_a_folder(judged: Path) -> None:
    found = measured_in(judged.parent)["m"]
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (24, 24 * 11, 24 * 7)
    (row,) = Reader(judged).query(
        "SELECT sum(length(CAST(body AS TEXT))) AS n FROM events JOIN blobs "
        "ON sha256 = payload->>'$.prompt.sha256' WHERE kind = 'judge.called'"
    )
    assert found.characters == row["n"]
    assert found.seconds > 0
    assert measured_in(judged / "nothing here") == {}


def test_doctor_estimates_a_run_from_its_answers(judged: Path) -> None:
    """The estimate of calls that were made is what they took."""
    rows = estimate(dempo("doctor", judged, "--runs-dir", judged.parent, "--json"))
    assert (rows["judging: 'm'"]["calls"], rows["judging: 'm'"]["measured"]) == (24, 24)
    assert (rows["judging: 'm'"]["prompt_tokens"], rows["judging: 'm'"]["completion_tokens"]) == (24 * 11, 24 * 7)
    assert rows["judging: 'm'"]["recorded_answers"] is True
    assert rows["judging: all"] == {"cost": None, "budget": None}


CONFIG = """
[run]
name = "r"
[data]
[[conditions]]
name = "a"
source = "none"
[[conditions]]
name = "b"
source = "all"
[answer]
constitution = "constitution.txt"
max_tokens = 10
{questions}
[judge]
budget = 0.001
[[judge.judges]]
kind = "openai"
model = "unasked"
rankings = 3
max_tokens = 50
base_url = "http://localhost:1/v1"
price = {{ input = 2, output = 8 }}
"""


def written(folder: Path, questions: str) -> Path:
    (folder / "constitution.txt").write_text("1. Be kind.\n", encoding="utf-8")
    (folder / "questions").mkdir()
    asked = {"clause_id": 1, "clause": "Be kind.", "questions": ["Why?", "How?"]}
    (folder / "questions" / "1.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "c.toml").write_text(CONFIG.format(questions=questions), encoding="utf-8")
    return folder / "c.toml"


def test_doctor_estimates_a_configuration_from_the_longest_answers(tmp_path: Path) -> None:
    """Answers of 10 tokens are 40 characters; six calls of one length."""
    file = written(tmp_path, 'questions = "questions"')
    result = dempo("doctor", file, "--runs-dir", tmp_path / "runs")
    (characters,) = prompt_characters([(Question("1:0", 1, "Be kind.", "Why?"), ["x" * 40, "x" * 40])])
    tokens = -(-6 * characters // 4)
    assert f"6 calls, at most {tokens:,} tokens of prompts and 300 of replies, at most 0.00" in result.stdout
    assert "how long is unknown; assumed: 4 characters a token, replies of max_tokens" in result.stdout
    assert "judge.budget is 0.001, which may not be enough" in result.stdout
    rows = estimate(dempo("doctor", file, "--runs-dir", tmp_path / "runs", "--json"))
    assert rows["judging: 'unasked'"]["cost"] == f"{(tokens * 2 + 300 * 8) / 1e6:.6f}".rstrip("0")


def test_questions_that_a_model_has_still_to_write_are_assumed(tmp_path: Path) -> None:
    file = written(tmp_path, 'generate = { model = "w", base_url = "http://localhost:1/v1", per_clause = 7 }')
    rows = estimate(dempo("doctor", file, "--runs-dir", tmp_path / "runs", "--json"))
    assert rows["judging: 'unasked'"]["calls"] == 21


def test_doctor_says_what_keeps_it_from_an_estimate(tmp_path: Path) -> None:
    result = dempo("doctor", written(tmp_path, 'questions = "elsewhere"'), "--runs-dir", tmp_path / "runs")
    assert result.returncode == 1
    assert "elsewhere is not a folder" in result.stdout


def test_doctor_names_what_it_cannot_find(tmp_path: Path) -> None:
    assert "cannot read the configuration" in told(dempo("doctor", tmp_path / "none.toml"), 2)
    assert "no run in" in told(dempo("doctor", "nobody", "--runs-dir", tmp_path), 2)


def estimate(result: Any) -> dict[str, Any]:
    return {row["name"]: row["estimate"] for row in answered(result)["checks"] if "estimate" in row}
