"""Calls that no judge ever answers: given up where an operator says so, counted as lost, and asked again if wanted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, all_rank, error, serving_alone
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.errors import JudgeError
from core.run_folder import RunFolder
from storage.judging.reopening import reopen_calls
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console

QUIET = Console(quiet=True)


class LongQuestion:
    """Refuses every call about the first question that it is asked about, as a context that is too short does."""

    def __init__(self) -> None:
        self.refused = ""

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        question = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])[0]["question"]
        if number == 1:
            self.refused = question
        if question == self.refused:
            return 413, error("this question is too long for the model")
        return all_rank(body, number)


def outcomes(root: Path) -> Counter[str]:
    return Counter(row["outcome"] for row in Reader(root).view("judge_calls"))


def failed_checks(root: Path) -> list[tuple[str, str]]:
    return [(check.name, check.detail) for check in verify(root) if check.verdict == "failed"]


@pytest.fixture(scope="module")
def given_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was completed without the calls about one question."""
    with serving_alone(LongQuestion()) as (_, found):
        one = f'{{kind = "openai", model = "m", rankings = 3, base_url = "{found.url}"}}'
        root = small_demo(tmp_path_factory.mktemp("given"), [*TINY, f"judge.judges=[{one}]"])
        with pytest.raises(JudgeError, match=r"3 calls of judge 'm'.*--set judge.give_up=true"):
            work(root, None, QUIET)
        assert outcomes(root) == {"ranked": 21}
        asked = len(found.requests)
        assert work(root, "judge", QUIET, ["judge.give_up=true"]) == 0
        assert len(found.requests) == asked + 6, "each is asked twice more, and nothing else is"
    return root


def test_the_stage_is_completed_and_the_calls_are_lost(given_up: Path) -> None:
    assert outcomes(given_up) == {"ranked": 21, "failed": 3}
    assert failed_checks(given_up) == []
    (calls,) = [check.detail for check in verify(given_up) if check.name == "judge calls"]
    assert calls.startswith("coverage 87.5%: 21 of 24 judge calls gave a ranking (3 failed)")


def test_a_failure_for_good_fails_verification_where_nobody_gave_it_up(given_up: Path, tmp_path: Path) -> None:
    def unsaid(rows: list[Row]) -> list[Row]:
        return [row for row in rows if row.kind != "settings.changed"]

    found = failed_checks(forged(given_up, tmp_path, unsaid))
    assert any("failed for good" in detail for _, detail in found), found


def test_a_failure_that_was_given_up_has_no_reply(given_up: Path, tmp_path: Path) -> None:
    def replied(rows: list[Row]) -> list[Row]:
        ranked = next(row.payload for row in rows if row.kind == "judge.called" and row.payload["outcome"] == "ranked")
        for row in rows:
            if row.kind == "judge.called" and row.payload["outcome"] == "failed" and "prompt" in row.payload:
                row.payload["reply"] = ranked["reply"]
        return rows

    found = failed_checks(forged(given_up, tmp_path, replied))
    assert any("failed, and yet has a reply" in detail for _, detail in found), found


def test_what_was_given_up_can_be_reopened(tmp_path: Path) -> None:
    with serving_alone(LongQuestion()) as (moody, found):
        one = f'{{kind = "openai", model = "m", rankings = 3, base_url = "{found.url}"}}'
        two = f'{{kind = "openai", model = "n", rankings = 1, base_url = "{found.url}", retries = 0}}'
        root = small_demo(tmp_path, [*TINY, f"judge.judges=[{one}, {two}]", "judge.give_up=true"])
        moody.mood = StopsLater(moody.mood)
        with pytest.raises(JudgeError, match="cannot be used"):
            work(root, None, QUIET)
        assert outcomes(root)["failed"] == 3
        with Log.open(RunFolder(root)) as log:
            event = reopen_calls(log, ["failed"])
        assert event is not None
        assert len(event.units) == 3
        moody.mood = all_rank
        assert work(root, None, QUIET) == 0
    assert outcomes(root) == {"ranked": 32}
    assert failed_checks(root) == []


class StopsLater:
    """Answers one model, and has no credit for another."""

    def __init__(self, mood: Any) -> None:
        self.mood = mood

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        if body["model"] == "n":
            return 503, error("down")
        answer: Answer = self.mood(body, number)
        return answer
