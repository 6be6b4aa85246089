"""Fields and headers that a configuration adds to the requests of a judge: what goes out, what the record keeps, and
what verification makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from both_verifiers import checked
from chat_server import Answer, by_length, completion, error, serving
from liars import keys_anew
from memory_recorder import MemoryRecorder, make_context
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.config import RunConfig, resolved
from core.config_file import change, parse_config
from core.errors import InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.facts.canonical import canonical_text
from core.facts.judging.requests import judging_key, judging_parameters, writing_parameters
from core.pipeline import stage_keys
from core.types import Question
from tui.commands.runs.process import work
from tui.terminal.console import Console

FILE = """
[run]
name = "r"
[data]
[answer]
constitution = "c.txt"
[answer.generate]
model = "w"
%s
[[judge.judges]]
kind = "openai"
model = "m"
%s
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def configured(judging: str = "", writing: str = "") -> RunConfig:
    return parse_config(FILE % (writing, judging)).config


def body_of(judging: str) -> Any:
    section = configured(judging).judge
    assert section is not None
    return section.judges[0].extra_body


# ------------------------------------------------------------ what a configuration may say


def test_tables_lists_and_numbers_are_taken_as_json_has_them() -> None:
    written = (
        'extra_body = { reasoning_effort = "low", top_p = 0.95, min_p = 1.0, top_k = -0.0, tiny = 1e-7, many = 3e5, '
        'chat_template_kwargs = { enable_thinking = false }, provider = { order = ["a", "b"], weights = [0.5, 2.0] } }'
    )
    assert body_of(written) == {
        "reasoning_effort": "low",
        "top_p": 0.95,
        "min_p": 1,
        "top_k": 0,
        "tiny": 1e-07,
        "many": 300000,
        "chat_template_kwargs": {"enable_thinking": False},
        "provider": {"order": ["a", "b"], "weights": [0.5, 2]},
    }
    assert body_of("extra_body = {}") is None
    assert body_of("") is None


@pytest.mark.parametrize("name", ["model", "messages", "seed", "temperature", "max_tokens", "stream", "n"])
def test_what_a_request_says_itself_is_not_overruled(name: str) -> None:
    with pytest.raises(InputError, match=f"extra_body: {name} is set by every request itself"):
        body_of(f"extra_body = {{ {name} = 1 }}")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{ day = 2026-01-01 }", "day is nothing that JSON can say"),
        ("{ a = { b = [nan] } }", "a.b is no number within"),
        ("{ a = inf }", "a is no number within"),
        ("{ a = 9007199254740992 }", "a is no number within"),
        (f"{{ a = {'9' * 400} }}", "a is no number within"),
        ("{ a = 1e300 }", "a is no number within"),
        ('{ a = "x\\u0000" }', "'a' holds a character that no record can hold"),
        ('{ a = { "x\\u0000" = 1 } }', "holds a character that no record can hold"),
        ('{ provider = { api_key = "word" } }', "provider.api_key looks like a secret, .* key_env"),
        ('{ path = "/home/word" }', "path is a path in full"),
        ('{ sha256 = "x" }', "sha256 cannot be recorded"),
        (f"{{ a = {'[' * 20}{']' * 20} }}", "a cannot be recorded"),
        ("7", "extra_body: Input should be a valid dictionary"),
    ],
)
def test_what_json_or_a_record_cannot_hold_is_refused(value: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        body_of(f"extra_body = {value}")
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "api-key", "X-My-Token", "Client-Secret", "x-auth"],
)
def test_headers_that_carry_keys_are_refused(name: str) -> None:
    for where in ({"judging": f'headers = {{ {name} = "word" }}'}, {"writing": f'headers = {{ {name} = "word" }}'}):
        with pytest.raises(InputError, match=f"headers: {name} looks like a secret, .* key_env") as caught:
            configured(**where)
        assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ('{ X-Mine = "Bearer word" }', "X-Mine looks like a secret"),
        ('{ Host = "word.example" }', "Host is set by every request itself"),
        ('{ X-A = "1", x-a = "2" }', "X-A is given twice"),
        ('{ X-A = "1\\r\\nX-B: word" }', "the value of X-A is no line of plain characters"),
        ('{ "X A" = "word" }', "'X A' is no name of a header"),
    ],
)
def test_headers_that_no_request_can_carry_are_refused(headers: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        configured(f"headers = {headers}")
    assert "word" not in str(caught.value)


def test_a_judge_without_endpoint_has_neither() -> None:
    with pytest.raises(InputError, match=r"a judge of kind 'local' is asked at no endpoint; remove extra_body and hea"):
        parse_config((FILE % ("", 'extra_body = { a = 1 }\nheaders = { X-A = "1" }')).replace('"openai"', '"local"'))


def test_one_field_can_be_set_and_a_clone_keeps_it() -> None:
    text = FILE % ("", 'headers = { X-A = "1" }')
    config = parse_config(text, ['judge.judges.0.extra_body.reasoning_effort="low"']).config
    again = change(config, ["run.seed=7"]).config
    assert again.judge == config.judge
    assert again.judge is not None
    assert again.judge.judges[0].extra_body == {"reasoning_effort": "low"}


def test_the_page_shows_a_configuration_that_works() -> None:
    page = (Path(__file__).parent.parent / "docs" / "judging.md").read_text(encoding="utf-8")
    shown = page.partition("### Fields and headers")[2].partition("```toml\n")[2].partition("```")[0]
    config = parse_config(f'[run]\nname = "r"\n[data]\n[[endpoints]]\nname = "router"\n{shown}').config
    assert config.judge is not None
    assert config.judge.judges[0].headers == {"X-Title": "dempo"}
    assert config.judge.judges[0].extra_body is not None
    assert config.judge.judges[0].extra_body["chat_template_kwargs"] == {"enable_thinking": False}


# ------------------------------------------------------------ keys


@pytest.mark.parametrize("value", [1.0, 1, -0.0, 0.1, 1e-7, 1e15, 0.30000000000000004, 2.5e-300, Decimal("0.50")])
def test_a_number_gives_one_request_key_in_engine_and_record(value: float) -> None:
    judges = [{"kind": "openai", "model": "m", "extra_body": {"a": [value], "b": {"c": value}}}]
    config = RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": judges}})
    assert config.judge is not None
    recorded = json.loads(canonical_text(resolved(config)))["judge"]["judges"][0]["extra_body"]
    both = [
        judging_key("m", None, "", [], 0, judging_parameters(1, "m", 0, "1:0", 0.0, 9, extra))
        for extra in (config.judge.judges[0].extra_body, recorded)
    ]
    assert both[0] == both[1]


def test_keys_of_requests_without_extra_fields_are_as_before() -> None:
    assert set(judging_parameters(1, "m", 0, "1:0", 0.0, 9)) == {"temperature", "max_tokens", "seed"}
    assert judging_parameters(1, "m", 0, "1:0", 0.0, 9, {}) == judging_parameters(1, "m", 0, "1:0", 0.0, 9)
    assert writing_parameters(1, 1, 0, 4, {"a": 1}) == writing_parameters(1, 1, 0, 4) | {"extra_body": {"a": 1}}
    assert "extra_body" not in json.dumps(resolved(configured()))


def test_stages_depend_on_extra_fields_and_not_on_headers() -> None:
    plain = stage_keys(configured())
    assert stage_keys(configured('headers = { X-Title = "dempo" }', 'headers = { X-Title = "dempo" }')) == plain
    judging = stage_keys(configured("extra_body = { top_k = 1 }"))
    assert {name for name in plain if plain[name] != judging[name]} == {"judge", "rank"}
    writing = stage_keys(configured(writing="extra_body = { top_k = 1 }"))
    assert {name for name in plain if plain[name] != writing[name]} == {"answer", "judge", "rank"}


# ------------------------------------------------------------ what goes out


def judged(url: str, folder: Path, **more: Any) -> list[JudgeCalled]:
    one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "concurrency": 1, "base_url": url}
    config = RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": [one | more]}})
    asked = (Question("1:0", 1, "Be kind.", "How?"), Question("1:1", 1, "Be kind.", "Why?"))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    recorder = MemoryRecorder()
    judge(make_context("judge", config, folder, recorder), Answers(asked, ("a", "b", "c"), texts, Path("base")))
    return recorder.of_kind(JudgeCalled)


def test_fields_and_headers_go_with_every_request(tmp_path: Path) -> None:
    extra = {"reasoning_effort": "low", "provider": {"order": ["a"]}}
    with serving(lambda body, n: (200, by_length(body))) as server:
        calls = judged(server.url, tmp_path, extra_body=extra, headers={"X-Title": "dempo"})
        plain = judged(server.url, tmp_path, headers={"X-Title": "other"})
    assert [{name: body.get(name) for name in extra} for body in server.requests[:2]] == [extra, extra]
    assert {"seed", "temperature", "max_tokens", "response_format"} <= server.requests[0].keys()
    assert [headers["x-title"] for headers in server.headers] == ["dempo", "dempo", "other", "other"]
    assert calls[0].request_key != plain[0].request_key


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("Unsupported value", {"param": "reasoning_effort"}),
        ("invalid", {"param": "reasoning_effort.level"}),
        ("Unrecognized request argument supplied: reasoning_effort", {}),
    ],
)
def test_a_field_that_is_refused_is_said_at_once(tmp_path: Path, message: str, more: dict[str, Any]) -> None:
    with (
        serving(lambda body, n: (400, error(message, **more))) as server,
        pytest.raises(JudgeError, match=r"extra_body.reasoning_effort is not accepted: .*; change or remove it"),
    ):
        judged(server.url, tmp_path, extra_body={"reasoning_effort": "low"})
    assert len(server.requests) == 1


def test_a_field_that_a_message_about_another_one_mentions_is_not_blamed(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        words = "temperature cannot be used with reasoning_effort"
        return (400, error(words)) if "temperature" in body else (200, by_length(body))

    with serving(respond) as server:
        calls = judged(server.url, tmp_path, extra_body={"reasoning_effort": "low"})
    assert {call.detail for call in calls} == {"the endpoint accepts no temperature"}
    assert all(body["reasoning_effort"] == "low" for body in server.requests)


# ------------------------------------------------------------ record and verification


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose judge and whose writer are asked with fields and headers of their own; the judge takes no temperature
    and no system role."""

    def respond(body: dict[str, Any], number: int) -> Answer:
        if body["messages"][0]["role"] == "system":
            return 400, error("System role not supported")
        if "temperature" in body:
            return 400, error("no", param="temperature")
        *_, last = body["messages"]
        last["content"] = last["content"][last["content"].index('{\n "rule"') :]
        return 200, by_length(body)

    def write(body: dict[str, Any], number: int) -> Answer:
        case, _ = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])
        name = crc32(case["rule"].encode())
        return 200, completion(json.dumps({"questions": [f"Number {i} of rule {name}?" for i in range(4)]}))

    folder = tmp_path_factory.mktemp("extras")
    constitution = folder / "worlds" / "planted-0" / "constitution.txt"
    headers = 'headers={X-Title="dempo"}'
    with pytest.MonkeyPatch.context() as patch, serving(respond) as server, serving(write) as writer:
        for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS", "OPENAI_API_KEY"):
            patch.delenv(name, raising=False)
        extra = 'extra_body={reasoning_effort="low", min_p=1.0, kwargs={share=[0.25, 2.0], think=false}}'
        one = f'{{kind="openai", model="m", base_url="{server.url}", rankings=1, temperature=0.5, {extra}, {headers}}}'
        generate = f'{{model="w", base_url="{writer.url}", per_clause=4, extra_body={{top_k=40.0}}, {headers}}}'
        answer = f'answer={{constitution="{constitution}", generate={generate}}}'
        root = small_demo(folder, [answer, *TINY, f"judge.judges=[{one}]"])
        assert work(root, None, Console(quiet=True)) == 0
    assert all(body["top_k"] == 40 for body in writer.requests)
    return root


def verdicts(root: Path) -> dict[str, str]:
    """What both verifiers find wrong with a run."""
    return {name: check.detail for name, check in checked(root).items() if check.verdict not in ("ok", "unknown")}


def test_a_run_with_fields_of_its_own_verifies(run: Path) -> None:
    assert verdicts(run) == {}
    assert "prompts are what template and texts give" in checked(run)["replies"].detail


def rewritten_judge(edit: Callable[[dict[str, Any]], object], anew: bool = True) -> Callable[[list[Row]], list[Row]]:
    """Another judge in the recorded configuration, with or without keys of stages made anew for it."""

    def attack(rows: list[Row]) -> list[Row]:
        edit(rows[0].payload["config"]["judge"]["judges"][0])
        if anew:
            keys_anew(rows)
        return rows

    return attack


@pytest.mark.parametrize(
    "edit",
    [
        lambda judge: judge["extra_body"].update(reasoning_effort="high"),
        lambda judge: judge["extra_body"]["kwargs"].update(share=[0.25, 3]),
        lambda judge: judge["extra_body"].update(more=1),
        lambda judge: judge.pop("extra_body"),
    ],
)
def test_other_fields_in_the_recorded_configuration_fail(
    run: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    """Also where all keys of stages are made anew for them."""
    found = verdicts(forged(run, tmp_path, rewritten_judge(edit)))
    assert "its request key is not that of its model, prompt and settings" in found["replies"]


def test_without_new_keys_of_stages_these_fail(run: Path, tmp_path: Path) -> None:
    edit = rewritten_judge(lambda judge: judge["extra_body"].update(reasoning_effort="high"), anew=False)
    assert "stage 'judge': its key" in verdicts(forged(run, tmp_path, edit))["stages"]


def test_other_fields_of_the_writer_fail(run: Path, tmp_path: Path) -> None:
    def attack(rows: list[Row]) -> list[Row]:
        rows[0].payload["config"]["answer"]["generate"]["extra_body"]["top_k"] = 41
        keys_anew(rows)
        return rows

    found = verdicts(forged(run, tmp_path, attack))
    assert "its request key is not that of its prompt and settings" in " ".join(found.values())


@pytest.mark.parametrize("value", ["low", ["low"], 7])
def test_fields_that_are_no_table_fail_and_stop_no_verifier(run: Path, tmp_path: Path, value: Any) -> None:
    found = verdicts(forged(run, tmp_path, rewritten_judge(lambda judge: judge.update(extra_body=value))))
    assert "its request key is not that of its model, prompt and settings" in found["replies"]


def test_headers_are_in_no_key(run: Path, tmp_path: Path) -> None:
    """They say who asks; so the record shows what was configured, and nothing vouches for it but the chain."""
    edit = rewritten_judge(lambda judge: judge.update(headers={"X-Title": "other"}), anew=False)
    assert {"stages", "replies"}.isdisjoint(verdicts(forged(run, tmp_path, edit)))
