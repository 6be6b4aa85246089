"""Judging again end to end: linked runs that take over, ask, add and reparse, and every check of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Moody, all_rank, nobody, serving_alone
from typer.testing import CliRunner
from verified_runs import TINY, every_sixth_quotes, small_demo

from storage.record.reader import Reader
from storage.verify import verify
from tui.cli import app
from tui.commands.runs.process import work
from tui.terminal.console import Console


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Moody, ChatServer]]:
    with serving_alone(every_sixth_quotes) as both:
        yield both


@pytest.fixture(scope="module")
def old(server: tuple[Moody, ChatServer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a judge of each kind that ranks, the one behind an endpoint with four malformed replies among 24."""
    judges = ", ".join(
        [
            f'{{kind = "openai", model = "m", rankings = 3, base_url = "{server[1].url}"}}',
            '{kind = "local", model = "base", label = "here", rankings = 1}',
            '{kind = "planted", model = "citizens", rankings = 1}',
        ]
    )
    root = small_demo(tmp_path_factory.mktemp("old"), [*TINY, f"judge.judges=[{judges}]"])
    assert work(root, None, Console(quiet=True)) == 0
    return root


def judge(action: str, root: Path, runs: Path, *words: str) -> Path:
    """The run that a command makes, in a folder of its own: two of one name made in one second would have one id."""
    given = ["judge", action, str(root), *words, "--runs-dir", str(runs), "--json", "--quiet"]
    result: Any = CliRunner().invoke(app, given)
    assert result.exit_code == 0, (result.output, result.exception)
    return Path(json.loads(result.stdout)["path"])


def first_of_link(root: Path) -> str:
    (row,) = Reader(root).query("SELECT payload->>'$.linked_to' AS first FROM events WHERE seq = 1")
    return str(row["first"])


def outcomes(root: Path) -> dict[str, int]:
    return Counter(row["outcome"] for row in Reader(root).view("judge_calls"))


def boards(root: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = Reader(root).view("leaderboards")
    return [{name: row[name] for name in ("method", "condition", "score", "low", "high", "position")} for row in rows]


def wrong_of(root: Path) -> list[tuple[str, str, str]]:
    return [(c.name, c.verdict, c.detail) for c in verify(root) if c.verdict not in ("ok", "unchecked")]


def test_the_same_replies_give_the_same_boards_and_nobody_is_asked(
    server: tuple[Moody, ChatServer], old: Path, tmp_path: Path
) -> None:
    server[0].mood = nobody
    head = Reader(old).head()
    found = judge("reparse", old, tmp_path)
    assert outcomes(found) == outcomes(old) == {"ranked": 36, "malformed": 4}
    assert boards(found) == boards(old)
    assert first_of_link(found) == Reader(old).first_hash()
    assert wrong_of(found) == []
    assert Reader(old).head() == head
    assert [row["action"] for row in Reader(found).view("operator_actions")] == ["judge reparse"]


def test_what_gave_no_ranking_is_asked_again_and_further_judges_come_on_top(
    server: tuple[Moody, ChatServer], old: Path, tmp_path: Path
) -> None:
    """A linked run can be judged again in its turn."""
    moody, found = server
    moody.mood, asked = all_rank, len(found.requests)
    again = judge("again", old, tmp_path / "again", "--outcomes", "malformed")
    assert len(found.requests) == asked + 4
    assert outcomes(again) == {"ranked": 40}
    further = tmp_path / "judges.toml"
    further.write_text(
        f'[[endpoints]]\nname = "there"\nbase_url = "{found.url}"\nkey_env = ""\n'
        '[[judge.judges]]\nkind = "openai"\nmodel = "other"\nendpoint = "there"\nrankings = 1\n',
        encoding="utf-8",
    )
    more = judge("add", again, tmp_path / "more", str(further))
    assert len(found.requests) == asked + 4 + 8
    assert outcomes(more) == {"ranked": 48}
    assert {row["judge"] for row in Reader(more).view("judge_calls")} == {
        *("m#0", "m#1", "m#2"),
        *("here#0", "citizens#0", "other#0"),
    }
    assert first_of_link(more) == Reader(again).first_hash()
    assert (wrong_of(again), wrong_of(more)) == ([], [])
