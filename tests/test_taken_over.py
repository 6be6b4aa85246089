"""Replies of another run: taken over where they are the same calls, read again, and asked for only where they lack."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Moody, all_rank, nobody, serving_alone
from rewritten import Row, forged
from verified_runs import TINY, every_sixth_quotes, small_demo

from core.errors import InputError
from storage.record.reader import Reader
from storage.replay.replaying import replay_run
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.runs.process import work
from tui.terminal.console import Console

QUIET = Console(quiet=True)
Judges = list[dict[str, Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Moody, ChatServer]]:
    with serving_alone(every_sixth_quotes) as both:
        yield both


def judges(url: str, **more: Any) -> Judges:
    asked = {"kind": "openai", "model": "m", "rankings": 3, "base_url": url}
    local = {"kind": "local", "model": "base", "label": "here", "rankings": 1}
    return [judge | more for judge in (asked, local, {"kind": "planted", "model": "citizens", "rankings": 1})]


def prepared(folder: Path, listed: Judges, settings: Sequence[str] = ()) -> Path:
    tables = (", ".join(f"{key} = {json.dumps(value)}" for key, value in judge.items()) for judge in listed)
    return small_demo(folder, [*TINY, f"judge.judges=[{', '.join(f'{{{table}}}' for table in tables)}]", *settings])


@pytest.fixture(scope="module")
def old(server: tuple[Moody, ChatServer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a judge of each kind, the one behind an endpoint with four malformed replies among 24."""
    moody, found = server
    moody.mood = every_sixth_quotes
    root = prepared(tmp_path_factory.mktemp("old"), judges(found.url))
    assert work(root, None, QUIET) == 0
    return root


@pytest.fixture(scope="module")
def linked(server: tuple[Moody, ChatServer], old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run once more, which asks for the malformed replies alone."""
    moody, found = server
    again, *others = judges(found.url, recorded=str(old))
    moody.mood, asked = all_rank, len(found.requests)
    root = prepared(tmp_path_factory.mktemp("linked"), [again | {"again": ["malformed"]}, *others])
    assert work(root, None, QUIET) == 0
    assert len(found.requests) == asked + 4
    return root


def outcomes(root: Path, kind: str = "openai") -> dict[str, int]:
    return Counter(row["outcome"] for row in Reader(root).view("judge_calls") if row["judge_kind"] == kind)


def calls(root: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        rows = db.execute("SELECT payload FROM events WHERE kind = 'judge.called' ORDER BY seq").fetchall()
    return [json.loads(payload) for (payload,) in rows]


def wrong_of(root: Path) -> list[tuple[str, str, str]]:
    return [(c.name, c.verdict, c.detail) for c in verify(root) if c.verdict not in ("ok", "unchecked")]


def test_what_gave_a_ranking_is_taken_over_and_the_rest_is_asked(old: Path, linked: Path) -> None:
    assert outcomes(old) == {"ranked": 20, "malformed": 4}
    assert outcomes(linked) == {"ranked": 24}
    there = {(call["judge"], call["question_id"]): call for call in calls(old)}
    taken = [call for call in calls(linked) if "taken_from" in call]
    assert len(taken) == 20 + 8 + 8
    assert {call["taken_from"]["first"] for call in taken} == {Reader(old).first_hash()}
    for call in taken:
        was = there[call["judge"], call["question_id"]]
        (row,) = Reader(old).query("SELECT payload FROM events WHERE seq = ?", [call["taken_from"]["event"]])
        assert json.loads(row["payload"]) == was
        for name in ("reply", "ranking", "request_key", "shown_order", "prompt_tokens"):
            assert call.get(name) == was.get(name)


def test_every_check_of_it_is_ok(linked: Path) -> None:
    assert wrong_of(linked) == []
    (check,) = [check for check in verify(linked) if check.name == "judge calls"]
    assert "36 replies taken over from other runs" in check.detail


def test_a_repetition_asks_for_no_reply_that_was_taken_over(linked: Path) -> None:
    (found,) = replay_run(linked, "judge", None, False).stages
    assert found.outcome == "recorded"


@pytest.mark.long
def test_nobody_is_asked_where_everything_is_there(
    server: tuple[Moody, ChatServer], old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even for the key; and what an earlier rule of reading called malformed may be a ranking now."""
    moody, found = server
    moody.mood = nobody
    named = [f'endpoints=[{{name = "there", base_url = "{found.url}", key_env = "NO_SUCH_KEY"}}]']
    keyless, *_ = judges(found.url, recorded=str(misread(old, tmp_path)))
    keyless |= {"endpoint": "there"}
    del keyless["base_url"]
    root = prepared(tmp_path / "runs", [keyless], named)
    assert work(root, None, QUIET) == 0
    assert outcomes(root) == {"ranked": 20, "malformed": 4}
    details = {call["detail"] for call in calls(root) if call["outcome"] == "ranked"}
    assert f"malformed in run {old.name}; an earlier rule" in details
    assert wrong_of(root) == []


def misread(root: Path, folder: Path) -> Path:
    """A copy in which a ranking is called malformed."""

    def change(rows: list[Row]) -> list[Row]:
        call = next(r.payload for r in rows if r.kind == "judge.called" and r.payload["outcome"] == "ranked")
        del call["ranking"]
        call.update(outcome="malformed", detail="an earlier rule")
        return rows

    return forged(root, folder, change)


def test_another_judge_is_refused_before_a_run_is_made(
    server: tuple[Moody, ChatServer], old: Path, tmp_path: Path
) -> None:
    moody, found = server
    moody.mood = nobody
    one = judges(found.url, recorded=str(old))[0]
    for change, settings, words in [
        ({"label": "other"}, [], "it has no judge of this label (it has 'm', 'here', 'citizens')"),
        ({"model": "n", "label": "m"}, [], "model was 'm' there and is 'n' here, so this is another judge"),
        ({"temperature": 0.5}, [], "temperature was 0 there and is 0.5 here"),
        ({"base_url": "http://127.0.0.1:9/v1"}, [], "base_url was"),
        ({"recorded": str(tmp_path / "none")}, [], "cannot take over the judge calls of run none"),
        ({}, ["run.seed=3"], "run.seed was 0 there and is 3 here"),
        ({}, ['conditions.0.name="first"'], "it judged the conditions base, "),
    ]:
        with pytest.raises(InputError) as error:
            prepared(tmp_path, [one | change], settings)
        assert words in str(error.value)
    with pytest.raises(InputError, match="it needs `recorded`, a run"):
        prepared(tmp_path, [{"kind": "openai", "model": "m", "again": ["malformed"]}])


@pytest.mark.long
def test_other_answers_are_refused(server: tuple[Moody, ChatServer], old: Path, tmp_path: Path) -> None:
    moody, found = server
    moody.mood = nobody
    one = judges(found.url, recorded=str(old))[0]
    root = prepared(tmp_path, [one], ["answer.max_tokens=2"])
    with pytest.raises(InputError, match="its question or the answers to it are others than there"):
        work(root, None, QUIET)


def altered(root: Path, folder: Path) -> Path:
    """A copy of which one event was changed, and the chain was not made anew."""
    copy = forged(root, folder, lambda rows: rows)
    with closing(sqlite3.connect(copy / "audit.db")) as db, db:
        db.execute("DROP TRIGGER events_no_update")
        db.execute("UPDATE events SET payload = replace(payload, 'ranked', 'refused') WHERE kind = 'judge.called'")
    return copy


def test_nothing_is_taken_from_a_record_that_was_altered(
    server: tuple[Moody, ChatServer], old: Path, tmp_path: Path
) -> None:
    one = judges(server[1].url, recorded=str(altered(old, tmp_path)))[0]
    with pytest.raises(InputError, match="so nothing is taken over from it"):
        prepared(tmp_path / "runs", [one])


def unnamed(rows: list[Row]) -> list[Row]:
    """The configuration names no run, and calls were taken over."""
    judge = rows[0].payload["config"]["judge"]["judges"][0]
    for name in ("recorded", "again"):
        judge.pop(name)
        rows[0].payload["origins"].pop(f"judge.judges.0.{name}", None)
    return rows


def said_of(root: Path, name: str) -> tuple[str, str]:
    (check,) = [check for check in checks_of(read_record(root / "audit.db", tree_facts())) if check.name == name]
    return check.verdict, check.detail


Attack = Callable[[list[Row]], list[Row]]


@pytest.mark.parametrize(("attack", "words"), [(unnamed, "the configuration names no run for it")])
def test_what_was_altered_is_found(linked: Path, tmp_path: Path, attack: Attack, words: str) -> None:
    verdict, told = said_of(forged(linked, tmp_path, attack), "judge calls")
    assert verdict == "failed"
    assert words in told
