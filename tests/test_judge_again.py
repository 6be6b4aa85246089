"""Calls of judges that an operator has made again: counted once, and only where they gave no ranking."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, Moody, all_rank, error, serving_alone
from rewritten import Row, forged
from typer.testing import CliRunner
from verified_runs import TINY, every_sixth_quotes, small_demo

from core.errors import InputError, JudgeError
from core.run_folder import RunFolder
from storage.judging.reopening import reopen_calls
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.cli import app
from tui.commands.runs.process import work
from tui.terminal.console import Console

QUIET = Console(quiet=True)


def last_question_fails(body: dict[str, Any], number: int) -> Answer:
    """As `every_sixth_quotes`; the last call of all gets no reply."""
    return every_sixth_quotes(body, number) if number < 23 else (400, error("the request cannot be served"))


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Moody, ChatServer]]:
    with serving_alone(every_sixth_quotes) as both:
        yield both


def named_again(root: Path) -> list[str]:
    """The calls that the command names."""
    words = ["judge", "again", root.name, "--outcomes", "malformed", "--runs-dir", str(root.parent), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    units: list[str] = json.loads(result.stdout)["units"]
    return units


@pytest.fixture(scope="module")
def reopened(server: tuple[Moody, ChatServer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which a judge's malformed calls were made again, after one call had failed."""
    moody, found = server
    one = f'{{kind = "openai", model = "m", rankings = 3, base_url = "{found.url}"}}'
    root = small_demo(tmp_path_factory.mktemp("again"), [*TINY, f"judge.judges=[{one}]"])
    moody.mood = last_question_fails
    with pytest.raises(JudgeError, match="1 call of judge 'm'"):
        work(root, None, QUIET)
    before = Counter(row["outcome"] for row in Reader(root).view("judge_calls"))
    assert before == {"ranked": 19, "malformed": 4}
    with Log.open(RunFolder(root)) as log:
        assert reopen_calls(log, ["truncated", "failed"]) is None
    assert len(named_again(root)) == 4
    assert named_again(root) == [], "they are open already"
    assert Counter(row["outcome"] for row in Reader(root).view("judge_calls")) == before, "until they are made again"
    asked = len(found.requests)
    moody.mood = all_rank
    assert work(root, None, QUIET) == 0
    assert len(found.requests) == asked + 5, "what gave a ranking is not asked twice"
    return root


def said_of(root: Path, name: str) -> tuple[str, str]:
    (check,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == name]
    return check.verdict, check.detail


def test_the_last_attempt_counts_and_the_former_reply_stays(reopened: Path) -> None:
    reader = Reader(reopened)
    assert Counter(row["outcome"] for row in reader.view("judge_calls")) == {"ranked": 24}
    assert {row["rankings"] for row in reader.view("leaderboards")} == {24}
    every = reader.query("SELECT payload->>'$.outcome' AS outcome FROM events WHERE kind = 'judge.called'")
    assert Counter(row["outcome"] for row in every) == {"ranked": 24, "malformed": 4, "failed": 2}
    assert [row["detail"] for row in reader.view("operator_actions") if row["action"] == "judge again"] == [
        "4 of: malformed"
    ]


def test_every_check_of_it_is_ok(reopened: Path) -> None:
    assert [(c.name, c.verdict, c.detail) for c in verify(reopened) if c.verdict not in ("ok", "unchecked")] == []


def test_nothing_is_reopened_once_the_stage_has_ended(reopened: Path) -> None:
    with Log.open(RunFolder(reopened)) as log:
        head = log.head
        with pytest.raises(InputError, match="has ended, and what came of it stays as it is"):
            reopen_calls(log, ["malformed"])
        assert log.head == head


def opening(change: Callable[[dict[str, Any]], object]) -> Callable[[list[Row]], list[Row]]:
    def attack(rows: list[Row]) -> list[Row]:
        change(next(row.payload for row in rows if row.kind == "judge.reopened"))
        return rows

    return attack


def left_out(rows: list[Row]) -> list[Row]:
    """Calls are made again, and nobody had asked for it."""
    return [row for row in rows if row.kind != "judge.reopened"]


def twice(rows: list[Row]) -> list[Row]:
    at = next(i for i, row in enumerate(rows) if row.kind == "judge.reopened")
    return [*rows[: at + 1], rows[at], *rows[at + 1 :]]


def not_made(rows: list[Row]) -> list[Row]:
    """One more call is reopened, which nobody made again before the stage ended."""
    call = next(row.payload for row in rows if row.kind == "judge.called" and row.payload["outcome"] == "ranked")
    event = next(row.payload for row in rows if row.kind == "judge.reopened")
    event["units"].append(call["unit"])
    event["outcomes"].append("refused")
    return rows


@pytest.mark.parametrize(
    ("attack", "check", "words"),
    [
        (
            opening(lambda event: event.update(outcomes=["refused"])),
            "judge calls",
            "was malformed, and calls that were",
        ),
        (opening(lambda event: event.update(units=event["units"][:-1])), "units", "had been completed by attempt 1"),
        (opening(lambda event: event["units"].append("m#7/1:0")), "units", "is done again, and it is not completed"),
        (left_out, "units", "had been completed by attempt 1"),
        (twice, "units", "is done again, and it is not completed"),
        (not_made, "units", "is called completed, and its unit"),
    ],
)
def test_what_was_altered_is_found(
    reopened: Path, tmp_path: Path, attack: Callable[[list[Row]], list[Row]], check: str, words: str
) -> None:
    verdict, told = said_of(forged(reopened, tmp_path, attack), check)
    assert verdict == "failed"
    assert words in told
