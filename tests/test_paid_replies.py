"""Every reply that was paid for is in the cost and the budget, whatever became of its call; and what is not wanted may
be said in so many words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, Moody, all_rank, completion, error, serving_alone
from commands import dempo

from storage.record.reader import Reader
from storage.verify import verify

PRICE = "price = { input = 1000, output = 1000 }"
CONFIG = """
[run]
name = "paid"

[[endpoints]]
name = "here"
base_url = "{url}"
key_env = ""
{price}
{endpoint}

[[conditions]]
name = "one"
source = "answers:one.jsonl"

[[conditions]]
name = "two"
source = "answers:two.jsonl"

[answer]
constitution = "c.txt"
questions = "q"

[judge]
{judge}

[[judge.judges]]
kind = "openai"
model = "m"
endpoint = "here"
rankings = 1
retries = 0
concurrency = 1
{model}

[rank]
resamples = 5
"""
QUESTIONS = 8


@pytest.fixture
def server() -> Iterator[tuple[Moody, ChatServer]]:
    with serving_alone(all_rank) as both:
        yield both


def says_nothing(body: dict[str, Any], number: int) -> Answer:
    return 200, completion("I'd rather not.")


def configured(folder: Path, url: str, **more: str) -> Path:
    (folder / "c.txt").write_text("1. Be kind.\n")
    (folder / "q").mkdir()
    questions = [f"What about number {number}?" for number in range(QUESTIONS)]
    (folder / "q" / "1.json").write_text(json.dumps({"clause_id": 1, "clause": "Be kind.", "questions": questions}))
    for name in ("one", "two"):
        rows = [json.dumps({"question_id": f"1:{i}", "answer": f"{name} says {i}"}) for i in range(QUESTIONS)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    parts = {"price": PRICE, "endpoint": "", "judge": "", "model": "", **more}
    (folder / "paid.toml").write_text(CONFIG.format(url=url, **parts))
    return folder / "paid.toml"


def run(config: Path) -> tuple[int, str, Path]:
    done = dempo("run", config, "--runs-dir", config.parent / "runs", "--quiet")
    (root,) = (path for path in (config.parent / "runs").iterdir() if (path / "audit.db").is_file())
    return done.returncode, done.stderr, root


def told(root: Path, name: str) -> str:
    return next(check.detail for check in verify(root) if check.name == name)


def test_a_reply_counts_although_its_call_was_made_again(server: tuple[Moody, ChatServer], tmp_path: Path) -> None:
    """By hand: 18 tokens a reply (11 + 7), 0.018 each."""
    moody, found = server
    moody.mood = says_nothing
    code, said, root = run(configured(tmp_path, found.url, judge="budget = 20"))
    assert (code, len(found.requests)) == (5, QUESTIONS), said
    assert dempo("judge", "again", root, "--outcomes", "malformed").returncode == 0
    moody.mood = all_rank
    assert dempo("resume", root, "--quiet").returncode == 0
    (row,) = Reader(root).view("judge_costs")
    assert (row["calls"], row["prompt_tokens"]) == (2 * QUESTIONS, 2 * QUESTIONS * 11)
    assert row["cost"] == pytest.approx(2 * QUESTIONS * 0.018)
    assert "they cost 0.29 of a budget of 20.00" in told(root, "judge calls")


def test_the_budget_holds_for_calls_that_are_made_again(server: tuple[Moody, ChatServer], tmp_path: Path) -> None:
    """A call holds 1.024 for its reply and some for its prompt; 0.144 was spent on eight."""
    moody, found = server
    moody.mood = says_nothing
    code, said, root = run(configured(tmp_path, found.url, judge="budget = 2"))
    assert (code, len(found.requests)) == (5, QUESTIONS), said
    assert dempo("judge", "again", root, "--outcomes", "malformed").returncode == 0
    stopped = dempo("resume", root, "--set", "judge.budget=1.2", "--quiet")
    assert stopped.returncode == 5
    assert "stopped at the budget: 0.14 of 1.20 spent" in stopped.stderr
    assert len(found.requests) == QUESTIONS


def test_a_call_that_was_given_up_costs_nothing_anywhere(server: tuple[Moody, ChatServer], tmp_path: Path) -> None:
    """Four of eight fail for good, and with nothing but such calls left a run still comes to its end."""
    moody, found = server

    def half(body: dict[str, Any], number: int) -> Answer:
        question = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])[0]["question"]
        return (500, error("no")) if question[-2] in "1357" else all_rank(body, number)

    moody.mood = half
    code, said, root = run(configured(tmp_path, found.url, judge="budget = 20"))
    assert code == 5
    assert "--set judge.give_up=true" in said
    done = dempo("resume", root, "--set", "judge.give_up=true", "--quiet")
    assert done.returncode == 0, done.stderr
    (row,) = Reader(root).view("judge_costs")
    assert (row["calls"], row["uncounted"], row["cost"]) == (4, 0, pytest.approx(4 * 0.018))
    assert "they cost 0.072 of a budget of 20.00" in told(root, "judge calls")
    assert [check.name for check in verify(root) if check.verdict == "failed"] == []
    assert Reader(root).view("operator_actions")[-1]["detail"] == "judge.give_up = true, before: none"


@pytest.mark.parametrize(
    "more",
    [
        {"judge": "give_up = false"},
        {"judge": 'give_up = "no"'},
        {"model": "reasoning = false"},
        {"endpoint": "limits = {}"},
        {"model": "extra_body = { chat_template_kwargs = {} }"},
    ],
    ids=str,
)
def test_what_is_not_wanted_may_be_said(server: tuple[Moody, ChatServer], tmp_path: Path, more: dict[str, str]) -> None:
    code, said, root = run(configured(tmp_path, server[1].url, **more))
    assert code == 0, said
    assert [(check.name, check.detail) for check in verify(root) if check.verdict == "failed"] == []
