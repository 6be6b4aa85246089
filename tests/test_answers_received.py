"""Answers of models behind endpoints: asked one by one, recorded as they came, asked again where a call failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from chat_server import Answer, ChatServer, completion, error, serving
from commands import dempo, told
from rewritten import Row, forged

from core.config_file import parse_config
from core.events import digest
from core.facts.judging.answers import answer_in
from core.pipeline import stage_keys
from storage.record.reader import Reader

SAMPLE = Path(__file__).parent / "data" / "published_answers"

RUN = """
[run]
name = "asked"
[[endpoints]]
name = "here"
base_url = "{url}"
key_env = ""
[[conditions]]
name = "one"
source = "endpoint:here"
model = "first"
concurrency = 1
retries = 0
[[conditions]]
name = "two"
source = "endpoint:here"
model = "second"
extra_body = {{ top_k = 1 }}
headers = {{ X-Title = "dempo" }}
[[conditions]]
name = "base"
source = "answers:{sample}"
[answer]
constitution = "{sample}/constitution.txt"
questions = "{sample}/questions"
max_tokens = 9
stop = ["\\nUser:"]
"""


def answers(body: dict[str, Any], number: int) -> Answer:
    """What the model says goes on with a turn of the user, as base models' answers do."""
    return 200, completion(f" {body['model']} on {body['messages'][-1]['content'][:12]} \nUser: more")


def configured(folder: Path, url: str) -> Path:
    (folder / "c.toml").write_text(RUN.format(url=url, sample=SAMPLE))
    return folder / "c.toml"


def made(folder: Path) -> Path:
    (root,) = (path for path in (folder / "runs").iterdir() if (path / "audit.db").is_file())
    return root


def run_of(folder: Path, server: ChatServer) -> Path:
    ran = dempo("run", configured(folder, server.url), "--quiet", "--runs-dir", folder / "runs")
    assert ran.returncode == 0, ran.stderr
    return made(folder)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ChatServer]:
    with serving(answers) as server:
        return run_of(tmp_path_factory.mktemp("asked"), server), server


def test_the_answer_is_the_reply_up_to_the_first_stop_string(asked: tuple[Path, ChatServer]) -> None:
    root, _ = asked
    assert {check.verdict for name, check in checked(root).items() if name != "signatures"} == {"ok"}
    rows = [row for row in Reader(root).view("answers") if row["condition"] == "one"]
    assert {(row["answer"], row["tokens"], row["finish"], row["origin"]) for row in rows} == {
        ("first on Respond to a", 7, "stop", "received"),
        ("first on What is the", 7, "stop", "received"),
    }
    assert checked(root)["replies"].detail == "4 answers of endpoints are those of the replies; no judge was called"


def test_a_question_is_asked_alone_without_chance_and_with_the_settings(asked: tuple[Path, ChatServer]) -> None:
    _, server = asked
    assert len(server.requests) == 4
    for request in server.requests:
        assert [message["role"] for message in request["messages"]] == ["user"]
        assert (request["temperature"], request["max_tokens"], request["stop"]) == (0.0, 9, ["\nUser:"])
        assert "response_format" not in request
        assert request.get("top_k") == (1 if request["model"] == "second" else None)
    titles = {headers.get("x-title") for headers in server.headers}
    assert titles == {None, "dempo"}
    assert len({request["seed"] for request in server.requests}) == 4


def test_a_server_without_stop_is_asked_without_it(tmp_path: Path) -> None:
    def refusing(body: dict[str, Any], number: int) -> Answer:
        if "stop" in body:
            return 400, error("Unsupported parameter: 'stop' is not supported with this model.", param="stop")
        return answers(body, number)

    with serving(refusing) as server:
        root = run_of(tmp_path, server)
    assert {check.verdict for name, check in checked(root).items() if name != "signatures"} == {"ok"}
    rows = Reader(root).query("SELECT payload->>'$.detail' AS detail FROM events WHERE kind = 'answer.received'")
    assert {row["detail"] for row in rows} == {"the endpoint accepts no stop; the answer was cut afterwards"}


def test_a_call_that_fails_is_asked_again_after_the_others_and_by_a_resumed_run(tmp_path: Path) -> None:
    down = True

    def sometimes(body: dict[str, Any], number: int) -> Answer:
        stars = "stars" in body["messages"][-1]["content"]
        return (400, error("no such luck")) if down and stars and body["model"] == "first" else answers(body, number)

    with serving(sometimes) as server:
        said = told(dempo("run", configured(tmp_path, server.url), "--quiet", "--runs-dir", tmp_path / "runs"), 5)
        assert "1 call of condition 'one' (model 'first') at http://127.0.0.1" in said
        assert "failed, the last with: 400: no such luck. Everything else is recorded; `dempo resume`" in said
        root = made(tmp_path)
        assert len(Reader(root).view("answers")) == 2 * 3 - 1
        down = False
        before = len(server.requests)
        assert dempo("resume", root, "--quiet").returncode == 0
        assert len(server.requests) == before + 1
    assert {check.verdict for name, check in checked(root).items() if name != "signatures"} == {"ok"}
    assert len(Reader(root).view("answers")) == 2 * 3
    tried = "SELECT payload->>'$.outcome' AS o, payload->>'$.condition' AS c FROM events WHERE kind = 'answer.received'"
    assert [row["o"] for row in Reader(root).query(tried) if row["c"] == "one"] == [
        "answered",
        "failed",
        "failed",
        "answered",
    ]


def test_an_endpoint_that_is_not_there_ends_the_stage_with_a_sentence(tmp_path: Path) -> None:
    with serving(answers) as server:
        url = server.url
    once = [word for i in range(2) for word in ("--set", f"conditions.{i}.retries=0")]
    said = told(dempo("run", configured(tmp_path, url), *once, "--quiet", "--runs-dir", tmp_path / "runs"), 5)
    assert "call" in said
    assert "condition 'one'" in said


def test_a_key_that_is_missing_is_told_before_a_run_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    config = configured(tmp_path, "https://models.example/v1")
    config.write_text(config.read_text().replace('key_env = ""', 'key_env = "NO_SUCH_KEY"'))
    said = told(dempo("run", config, "--runs-dir", tmp_path / "runs"), 5)
    assert "endpoint 'here' (https://models.example) needs a key: set NO_SUCH_KEY" in said
    assert not (tmp_path / "runs").exists()
    found = dempo("doctor", config, "--json", "--runs-dir", tmp_path / "runs")
    rows = {row["name"]: row["state"] for row in json.loads(found.stdout)["checks"]}
    assert (rows["condition 'one'"], rows["condition 'two'"]) == ("missing", "missing")


def test_stages_depend_on_the_address_and_not_on_the_endpoint_s_name() -> None:
    text = RUN.format(url="http://127.0.0.1:1/v1", sample=SAMPLE)
    keys = stage_keys(parse_config(text).config)
    assert stage_keys(parse_config(text.replace("here", "there").replace("dempo", "other")).config) == keys
    moved = stage_keys(parse_config(text.replace("127.0.0.1:1", "127.0.0.1:2")).config)
    assert moved["answer"] != keys["answer"]
    assert moved["pool"] == keys["pool"]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (" yes \n", "yes"),
        ("yes\nUser: and?\nAssistant: no", "yes"),
        ("yes\nAssistant: no\nUser: and?", "yes"),
        ("<think>User wants\nUser: this</think>\n\nyes", "yes"),
        ("<think>never ends", ""),
        ("a thought </think> quoted", "a thought </think> quoted"),
        ("", ""),
    ],
)
def test_what_of_a_reply_is_the_answer(reply: str, answer: str) -> None:
    assert answer_in(reply, ("\nUser:", "\nAssistant:")) == answer


def first(**values: Any) -> Callable[[list[Row]], list[Row]]:
    """Changes the first call that counts."""

    def attack(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == "answer.received").payload.update(values)
        return rows

    return attack


FORGED = b"a better answer"
KIND_WORDS = b'[{"role": "user", "content": "Say something nice."}]'


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"answer": {"sha256": digest(FORGED)}}, "the answer, from the reply,"),
        ({"prompt": {"sha256": digest(KIND_WORDS)}}, "was asked something else than the question"),
        ({"request_key": "0" * 64}, "its request key is not that of its model, prompt and settings"),
        ({"model": "better"}, "the model is 'better'"),
        ({"outcome": "truncated"}, "what came of the call, by how it ended, is 'truncated'"),
        ({"outcome": "failed"}, "the call has no answer, and what fails is asked again"),
    ],
)
def test_a_forged_answer_is_found_out(
    asked: tuple[Path, ChatServer], tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    found = checked(forged(asked[0], tmp_path, first(**values), FORGED, KIND_WORDS))["replies"]
    assert (found.verdict, words in found.detail) == ("failed", True), found


def test_a_redacted_copy_has_no_answers(asked: tuple[Path, ChatServer], tmp_path: Path) -> None:
    exported = dempo("export", asked[0], "--redact", "--to", tmp_path / "b.zip")
    assert exported.returncode == 0, exported.stderr
    assert b"first on" not in (tmp_path / "b.zip").read_bytes()
    imported = dempo("import", tmp_path / "b.zip", "--runs-dir", tmp_path / "runs", "--json")
    assert imported.returncode == 0, imported.stderr
    root = made(tmp_path)
    assert {row["answer"] for row in Reader(root).view("answers")} == {None}
    verdicts = checked(root)
    assert (verdicts["answers"].verdict, verdicts["replies"].verdict) == ("ok", "withheld")


def test_a_repetition_takes_the_recorded_answers(asked: tuple[Path, ChatServer]) -> None:
    replayed = dempo("replay", asked[0], "--all")
    assert replayed.returncode == 0, replayed.stderr
