"""What endpoints refuse of a request, in the words of real ones, and what is asked of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, by_length, completion, error, serving
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.errors import JudgeError
from core.evaluation.answers import Answers
from core.evaluation.constitution import parse_constitution
from core.evaluation.endpoints.dialect import Dialect, in_one_turn
from core.evaluation.generate import generate_questions
from core.evaluation.stage import judge
from core.events import JudgeCalled, QuestionsGenerated
from core.sections.who_judges import GenerateSection
from core.types import Message, Question

Body = dict[str, Any]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def config(url: str, **judge: Any) -> RunConfig:
    one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "concurrency": 1, "timeout": 10.0}
    return RunConfig.model_validate(
        {"run": {"name": "r"}, "data": {}, "judge": {"judges": [one | {"base_url": url} | judge]}}
    )


def answers(questions: int) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def ranks(body: Body) -> dict[str, Any]:
    """`by_length`, also where the system text stands before the case."""
    *_, last = body["messages"]
    case = last["content"][last["content"].index('{\n "rule"') :]
    return by_length({"messages": [{"role": "user", "content": case}]})


def calls_of(
    respond: Callable[[Body, int], Answer], folder: Path, questions: int = 3, **judging: Any
) -> tuple[ChatServer, list[JudgeCalled], MemoryRecorder]:
    """All calls of a judge, as recorded."""
    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, **judging), folder, recorder), answers(questions))
    return server, recorder.of_kind(JudgeCalled), recorder


def refusing(wrong: Callable[[Body], bool], message: str, **more: Any) -> Callable[[Body, int], Answer]:
    return lambda body, number: (400, error(message, **more)) if wrong(body) else (200, ranks(body))


# ------------------------------------------------------------ temperature

NO_TEMPERATURE = [
    (
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        {"param": "temperature", "code": "unsupported_value"},
    ),
    (
        "Unsupported parameter: 'temperature' is not supported with this model.",
        {"param": "temperature", "code": "unsupported_parameter"},
    ),
    ("invalid temperature: only 1 is allowed for this model", {}),
    ("Unrecognized request argument supplied: temperature", {"param": None}),
    (
        "Provider returned error",
        {"metadata": {"raw": '{"error": {"message": "Unsupported parameter: \'temperature\'"}}'}},
    ),
]


@pytest.mark.parametrize(("message", "more"), NO_TEMPERATURE)
def test_a_model_without_temperature_is_asked_without_it(tmp_path: Path, message: str, more: dict[str, Any]) -> None:
    server, calls, _ = calls_of(refusing(lambda body: "temperature" in body, message, **more), tmp_path)
    assert ["temperature" in body for body in server.requests] == [True, False, False, False]
    assert server.formats == ["json_schema"] * 4, "nothing else is asked less strictly"
    assert {call.detail for call in calls} == {"the endpoint accepts no temperature"}
    assert [call.attempts for call in calls] == [2, 1, 1]


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("Invalid 'temperature': decimal above maximum value. Expected <= 2, but got 3.", {"param": "temperature"}),
        ("3 is greater than the maximum of 2 - 'temperature'", {}),
        ("Invalid temperature value, the valid range of temperature is [0, 2]", {}),
        ("temperature : number must be at most 2", {"param": None}),
    ],
)
def test_a_temperature_out_of_range_is_said_at_once(tmp_path: Path, message: str, more: dict[str, Any]) -> None:
    recorder = MemoryRecorder()
    respond = refusing(lambda body: body.get("temperature") == 3, message, **more)
    with serving(respond) as server, pytest.raises(JudgeError, match=r"temperature = 3 is not accepted: .* another"):
        judge(make_context("judge", config(server.url, temperature=3), tmp_path, recorder), answers(3))
    assert len(server.requests) == 1


# ------------------------------------------------------------ the system role

NO_SYSTEM = [
    ("System role not supported", {}),
    ("Conversation roles must alternate user/assistant/user/assistant/...", {"param": None}),
    ("Only user and assistant roles are supported!", {}),
    (
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        {"param": "messages[0].role", "code": "unsupported_value"},
    ),
    ("Developer instruction is not enabled for models/gemma-3-27b-it", {"status": "INVALID_ARGUMENT"}),
    ("Provider returned error", {"metadata": {"raw": '{"detail":"System message is not supported"}'}}),
    ("", {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]}),
]


@pytest.mark.parametrize(("message", "more"), NO_SYSTEM)
def test_a_model_without_a_system_role_gets_both_texts_in_one_turn(
    tmp_path: Path, message: str, more: dict[str, Any]
) -> None:
    server, calls, recorder = calls_of(
        refusing(lambda body: body["messages"][0]["role"] == "system", message, **more), tmp_path
    )
    assert len(server.requests) == 4
    assert server.formats == ["json_schema"] * 4
    system, user = server.requests[0]["messages"]
    (only,) = server.requests[1]["messages"]
    assert only == {"role": "user", "content": f"{system['content']}\n\n{user['content']}"}
    assert all("accepts no system role" in call.detail for call in calls)
    recorded = json.loads(recorder.text(calls[0].prompt.sha256))  # type: ignore[union-attr]
    assert recorded == [system, user], "the record holds the messages as the template gives them"


def test_messages_in_one_turn() -> None:
    said = (Message("system", "S"), Message("user", "U"), Message("assistant", "A"))
    assert in_one_turn(said) == (Message("user", "S\n\nU"), Message("assistant", "A"))
    assert in_one_turn(said[1:]) == said[1:]


def test_who_writes_questions_is_asked_and_recorded_in_the_same_way(tmp_path: Path) -> None:
    def respond(body: Body, number: int) -> Answer:
        if body["messages"][0]["role"] == "system":
            return 400, error("System role not supported")
        if "temperature" in body:
            return 400, error("no", param="temperature")
        case, _ = json.JSONDecoder().raw_decode(body["messages"][0]["content"].partition("\n\n")[2])
        return 200, completion(json.dumps({"questions": [f"{case['rule']} How?", f"{case['rule']} Why?"]}))

    recorder, constitution = MemoryRecorder(), parse_constitution("1. Be kind.\n2. Be true.\n")
    with serving(respond) as server:
        section = GenerateSection(model="w", base_url=server.url, per_clause=2)
        ctx = make_context("answer", config(server.url), tmp_path, recorder)
        assert len(generate_questions(ctx, section, constitution, 2)) == 4
    first, second = recorder.of_kind(QuestionsGenerated)
    assert first.detail == second.detail
    assert first.detail is not None
    assert first.detail.startswith("the endpoint accepts no temperature; the endpoint accepts no system role")


# ------------------------------------------------------------ the order of learning


def test_everything_is_learned_one_refusal_after_the_other_and_once(tmp_path: Path) -> None:
    def respond(body: Body, number: int) -> Answer:
        if body["messages"][0]["role"] == "system":
            return 400, error("System role not supported")
        if "temperature" in body:
            return 422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"], "input": 0.0}]}
        if "seed" in body:
            return 422, {"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "input": 7}]}}
        if "max_tokens" in body:
            return 400, error("Unsupported parameter: 'max_tokens' is not supported with this model.")
        if "response_format" in body:
            return 400, error("bad request")
        return 200, ranks(body)

    server, calls, _ = calls_of(respond, tmp_path)
    assert [call.attempts for call in calls] == [8, 1, 1]
    assert server.formats == ["json_schema"] * 6 + ["json_object"] + ["text"] * 3
    last = server.requests[-1]
    assert sorted(last) == ["max_completion_tokens", "messages", "model"]
    told = "asked for text; the endpoint accepts no seed; the endpoint accepts no temperature; the endpoint accepts no"
    assert all(told in call.detail for call in calls)


def test_no_refusal_is_answered_for_ever(tmp_path: Path) -> None:
    words = "temperature seed role max_completion_tokens response_format"
    with serving(lambda body, n: (400, error(words))) as server, pytest.raises(JudgeError, match="1 call of judge"):
        judge(make_context("judge", config(server.url), tmp_path), answers(1))
    assert len(server.requests) == 2 * 8, "two rounds, and seven steps in each"


def test_what_a_server_repeats_of_a_request_is_no_word_of_its_own() -> None:
    repeated = "body: Invalid: {'temperature': 0.0, 'seed': 7, 'messages': [{'role': 'system', 'content': 'You'}]}"
    step = Dialect().after_rejection(None, repeated)
    assert step == Dialect(format=1)


def test_a_parameter_in_its_field_decides_whatever_the_message_mentions() -> None:
    message = "response_format is not one of: seed, temperature, role"
    assert Dialect().after_rejection("response_format.type", message) == Dialect(format=1)
    assert Dialect(seed=False).after_rejection("seed", "no") is None
    assert Dialect().after_rejection("temperature", "unknown; known: seed") == Dialect(temperature=False)
    assert Dialect().after_rejection(None, message) == Dialect(format=1), "and without one what is mentioned first"


def test_how_it_was_asked_is_said_of_refusals_and_of_what_was_cut_off_as_well(tmp_path: Path) -> None:
    replies = [completion(None, refusal="No."), completion('{"rank', finish="length"), completion("?")]

    def respond(body: Body, number: int) -> Answer:
        return (400, error("no temperature")) if "temperature" in body else (200, replies[number - 1])

    recorder = MemoryRecorder()
    with serving(respond) as server, pytest.raises(JudgeError, match="none of the 3 judge calls gave a ranking"):
        judge(make_context("judge", config(server.url, max_tokens=7), tmp_path, recorder), answers(3))
    calls = recorder.of_kind(JudgeCalled)
    assert sorted(call.outcome for call in calls) == ["malformed", "refused", "truncated"]
    assert all(call.detail.count("the endpoint accepts no temperature") == 1 for call in calls)


# ------------------------------------------------------------ too many tokens

TOO_MANY = [
    "This model's maximum context length is 2048 tokens. However, you requested 10400 tokens (401 in the messages, "
    "9999 in the completion). Please reduce the length of the messages or completion.",
    "'max_tokens' or 'max_completion_tokens' is too large: 9999. This model's maximum context length is 2048 tokens "
    "and your request has 50 input tokens (9999 > 2048 - 50).",
    "max_tokens is too large: 9999. This model supports at most 4096 completion tokens, whereas you provided 9999.",
    "max_tokens: 9999 > 4096, which is the maximum allowed number of output tokens",
    "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens`",
]


@pytest.mark.parametrize("message", TOO_MANY)
def test_a_limit_that_is_too_large_for_the_model_is_said_once(tmp_path: Path, message: str) -> None:
    with (
        serving(lambda body, n: (400, error(message))) as server,
        pytest.raises(JudgeError, match=r"max_tokens = 9999 is too much for it: .*; set a smaller one"),
    ):
        judge(make_context("judge", config(server.url, max_tokens=9999), tmp_path), answers(9))
    assert len(server.requests) == 1


def test_a_prompt_that_is_too_long_with_the_limit_keeps_nobody_from_asking_the_others(tmp_path: Path) -> None:
    """Although it is the first one, as it is on every resume."""
    message = (
        "This model's maximum context length is 16384 tokens. However, you requested 122945 tokens (112946 in the "
        "messages, 9999 in the completion). Please reduce the length of the messages or completion."
    )
    recorder = MemoryRecorder()
    respond = refusing(lambda body: "Question 0?" in body["messages"][-1]["content"], message)
    with (
        serving(respond) as server,
        pytest.raises(JudgeError, match="1 call of judge 'm' .* is too much beside this p"),
    ):
        judge(make_context("judge", config(server.url, max_tokens=9999), tmp_path, recorder), answers(3))
    assert len(server.requests) == 2 + 2
    assert [call.outcome for call in recorder.of_kind(JudgeCalled)] == ["failed", "ranked", "ranked", "failed"]


def test_a_limit_is_not_blamed_where_another_parameter_is(tmp_path: Path) -> None:
    message = "at the maximum of tokens, max_tokens = 1024, this cannot be enforced"
    respond = refusing(lambda body: "response_format" in body, message, param="response_format")
    server, _, _ = calls_of(respond, tmp_path, questions=1)
    assert server.formats == ["json_schema", "json_schema", "json_object", "text"]


def test_after_a_success_it_is_a_failure_of_the_one_call(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    respond = refusing(lambda body: "Question 1?" in body["messages"][-1]["content"], TOO_MANY[0])
    with serving(respond) as server, pytest.raises(JudgeError, match="1 call of judge 'm' .* set a smaller one"):
        judge(make_context("judge", config(server.url, max_tokens=9999), tmp_path, recorder), answers(3))
    assert len(server.requests) == 2 + 2 * 1, "and it is not asked in other formats"
    assert [call.outcome for call in recorder.of_kind(JudgeCalled)] == ["ranked", "failed", "ranked", "failed"]
