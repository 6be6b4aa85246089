"""Replies that come as a stream of server-sent events: put together, learned, bounded, and lost where they are cut."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, Raw, by_length, error, serving
from hypothesis import given
from hypothesis import strategies as st
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.errors import JudgeError
from core.evaluation.answers import Answers
from core.evaluation.endpoints.deadline import MOST_BYTES
from core.evaluation.endpoints.messages import text_of
from core.evaluation.endpoints.refused import in_body, told
from core.evaluation.endpoints.stream import Unfinished, assembled, is_stream
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.types import Question

Body = dict[str, Any]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"
RANKED = '{"ranking": ["C", "B", "A"]}'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "DEMPO_KEY_HOSTS", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(finish: str | None = None, **delta: Any) -> Body:
    return {"system_fingerprint": "fp-2", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


USAGE: Body = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}


def streamed(text: str, size: int = 5) -> list[bytes]:
    """A text as a server streams it."""
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    return [
        event(chunk(role="assistant", content="")),
        *(event(chunk(content=part)) for part in parts),
        event(chunk("stop")),
        event(USAGE),
        DONE,
    ]


def ranking(body: Body) -> str:
    """A judge that ranks longer answers first, in its words."""
    said: str = by_length(body)["choices"][0]["message"]["content"]
    return said


def config(url: str, **own: Any) -> RunConfig:
    one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "concurrency": 1, "timeout": 20.0}
    return RunConfig.model_validate(
        {"run": {"name": "r"}, "data": {}, "judge": {"judges": [one | {"base_url": url} | own]}}
    )


def answers(questions: int) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def calls_of(
    respond: Callable[[Body, int], Answer], folder: Path, questions: int = 3, **own: Any
) -> tuple[ChatServer, list[JudgeCalled], MemoryRecorder]:
    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, **own), folder, recorder), answers(questions))
    return server, recorder.of_kind(JudgeCalled), recorder


# ------------------------------------------------------------ put together


def test_a_stream_is_put_together_into_the_reply_that_it_would_have_been() -> None:
    body = assembled(b"".join(streamed(RANKED)))
    (choice,) = body["choices"]
    assert text_of(choice["message"], cut_off=False) == RANKED
    assert choice["finish_reason"] == "stop"
    assert body["usage"] == USAGE["usage"]
    assert body["system_fingerprint"] == "fp-2"


def test_thoughts_and_calls_of_functions_are_put_together_as_well() -> None:
    def called(index: int, arguments: str, **more: Any) -> bytes:
        return event(chunk(tool_calls=[{"index": index, "function": {"arguments": arguments, **more}}]))

    body = assembled(
        event(chunk(reasoning_content="Let me "))
        + event(chunk(reasoning_content="think."))
        + called(1, '{"b"', name="two")
        + called(0, '{"a": ', name="one")
        + called(1, ": 2}")
        + called(0, "1}")
        + event(chunk("tool_calls"))
        + DONE
    )
    message = body["choices"][0]["message"]
    assert message["reasoning_content"] == "Let me think."
    assert text_of(message, cut_off=False) == '{"a": 1}\n{"b": 2}'


@given(st.text(), st.integers(1, 7), st.sampled_from(["\n", "\r\n"]))
def test_any_text_survives_however_it_is_cut(text: str, size: int, line: str) -> None:
    body = b"".join([b": keep-alive\n\n", b"event: message\nid: 1\n", *streamed(text, size)])
    whole = assembled(body.replace(b"\n", line.encode()))
    assert "".join(whole["choices"][0]["message"].get("content", "")) == text


@pytest.mark.parametrize(
    "pieces",
    [
        [event({"choices": [{"message": {"content": RANKED}, "finish_reason": "stop"}]})],
        [b'data: {"choices":\ndata: [{"delta": {"content": ', json.dumps(RANKED).encode(), b"}}]}\n\n", DONE],
        [event(chunk("stop", content=RANKED)).rstrip()],
        [b"\xef\xbb\xbf", event(chunk("stop", content=[{"type": "text", "text": RANKED}]))],
        [event(7), event([]), event({"choices": "x"}), event({"choices": [7]}), *streamed(RANKED)],
        [event({"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}]}), *streamed(RANKED)],
        [event(chunk(tool_calls=[7, {"index": [], "function": {"arguments": "x"}}, {"index": 0}])), *streamed(RANKED)],
    ],
    ids=["whole message", "two lines", "no blank line", "parts", "no chunks", "second choice", "odd calls"],
)
def test_what_is_odd_is_read_or_left_out(pieces: Iterable[bytes]) -> None:
    assert text_of(assembled(b"".join(pieces))["choices"][0]["message"], cut_off=False) == RANKED


@pytest.mark.parametrize("pieces", [[], [b": only comments\n\n"] * 3, [event(chunk(content="half"))]])
def test_a_stream_without_an_end_is_a_lost_connection(pieces: list[bytes]) -> None:
    with pytest.raises(Unfinished):
        assembled(b"".join(pieces))


def test_a_chunk_that_is_no_json_is_no_reply() -> None:
    for wrong in (b"data: {\n\n", b"data: " + b"[" * 200_000 + b"\n\n"):
        with pytest.raises((ValueError, RecursionError)):
            assembled(event(chunk(content="x")) + wrong + DONE)


def test_an_error_in_the_middle_is_an_error() -> None:
    told = {"error": {"code": 502, "message": "provider disconnected"}}
    assert assembled(event(chunk(content="half")) + event(told | chunk("error")) + DONE) == told


@pytest.mark.parametrize(
    ("header", "expected"),
    [("text/event-stream", True), (" Text/Event-Stream ;x", True), ("application/json", False), ("", False)],
)
def test_a_stream_is_known_by_its_header(header: str, expected: bool) -> None:
    assert is_stream(header) is expected


SAID = ["content", "reasoning_content", "reasoning", "refusal", "tool_calls"]
NAMES = ["index", "function", "arguments", "message", "code", "metadata", "headers", "raw", "param", "text", "type"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from([429, "429", "²²²", 0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=20,
)


CALLED = st.lists(
    st.fixed_dictionaries({"index": ANYTHING, "function": st.fixed_dictionaries({"arguments": ANYTHING})})
)
CHOICE = st.fixed_dictionaries(
    {"delta": st.dictionaries(st.sampled_from(SAID), ANYTHING | CALLED, max_size=3)},
    optional={"index": ANYTHING, "finish_reason": ANYTHING, "error": ANYTHING},
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE | ANYTHING, max_size=2)},
    optional={
        "usage": ANYTHING,
        "error": st.dictionaries(st.sampled_from(NAMES), ANYTHING),
        "system_fingerprint": ANYTHING,
    },
)


@given(st.lists(CHUNK | ANYTHING, max_size=4))
def test_nothing_that_a_server_sends_is_taken_for_granted(chunks: list[Any]) -> None:
    """Neither what is put together nor what is made of it raises anything that nobody expects."""
    for value in chunks:
        refused = in_body(value)
        assert refused is None or (400 <= refused.status < 600 and isinstance(refused.said, str))
        assert isinstance(told(value), str)
    try:
        whole = assembled(b"".join(map(event, chunks)) + DONE)
    except Unfinished:
        return
    in_body(whole)
    if "choices" in whole:
        assert isinstance(text_of(whole["choices"][0]["message"], cut_off=True), str)


# ------------------------------------------------------------ learned

STREAM_ONLY = [
    ("stream must be true for this model", {}),
    ("This model only support stream mode, please enable the stream parameter to access the model.", {}),
    ("parameter.enable_thinking must be set to false for non-streaming calls", {"param": None}),
    ("Unsupported value: 'stream' does not support false with this model.", {"param": "stream"}),
    ("Provider returned error", {"metadata": {"raw": '{"detail":"Stream must be set to true"}'}}),
]


@pytest.mark.parametrize(("message", "more"), STREAM_ONLY)
def test_a_server_that_offers_streams_alone_is_asked_for_one(tmp_path: Path, message: str, more: Body) -> None:
    def respond(body: Body, number: int) -> Answer:
        if not body.get("stream"):
            return 400, error(message, **more)
        return Raw([HEAD, *streamed(ranking(body))])

    server, calls, recorder = calls_of(respond, tmp_path)
    assert [body.get("stream", False) for body in server.requests] == [False, True, True, True]
    assert server.formats == ["json_schema"] * 4, "nothing else is asked less strictly"
    assert {(call.outcome, call.detail) for call in calls} == {("ranked", "the endpoint answers by a stream alone")}
    assert [call.attempts for call in calls] == [2, 1, 1]
    assert {(call.finish_reason, call.fingerprint, call.completion_tokens) for call in calls} == {("stop", "fp-2", 7)}
    assert recorder.text(calls[0].reply.sha256) == ranking(server.requests[1])  # type: ignore[union-attr]


def test_usage_is_asked_for_unless_it_is_refused(tmp_path: Path) -> None:
    def respond(body: Body, number: int) -> Answer:
        if not body.get("stream"):
            return 400, error("stream must be true")
        if "stream_options" in body:
            return 400, error("Unknown parameter: 'stream_options'.", param="stream_options")
        return Raw([HEAD, *streamed(ranking(body))])

    server, calls, _ = calls_of(respond, tmp_path)
    assert [body.get("stream_options") for body in server.requests] == [None, {"include_usage": True}, None, None, None]
    assert [call.attempts for call in calls] == [3, 1, 1]
    assert all(call.detail.endswith("the endpoint accepts no stream_options") for call in calls)


def test_a_stream_that_nobody_asked_for_is_read_and_asked_for_from_then_on(tmp_path: Path) -> None:
    server, calls, _ = calls_of(lambda body, n: Raw([HEAD, *streamed(ranking(body))]), tmp_path)
    assert [body.get("stream", False) for body in server.requests] == [False, True, True]
    assert [(call.outcome, call.attempts) for call in calls] == [("ranked", 1)] * 3


# ------------------------------------------------------------ what goes wrong


def one_bad(pieces: list[bytes]) -> Callable[[Body, int], Answer]:
    """Streams of which the second is another one."""
    return lambda body, n: Raw([HEAD, *(pieces if n == 1 else streamed(ranking(body)))])


@pytest.mark.parametrize(
    ("pieces", "detail"),
    [
        ([event(chunk(content='{"ranking": ["A"'))], "the stream ended before the reply did"),
        ([event(chunk(content="x")), event({"error": {"code": 502, "message": "provider is gone"}})], "502: provider"),
        ([event({"error": "overloaded"}), DONE], "no chat completion: overloaded"),
        ([b"data: {\n\n", DONE], "no chat completion"),
        ([DONE, *streamed(RANKED)], "the stream ended before the reply did"),
    ],
    ids=["cut", "error", "words", "no JSON", "nothing"],
)
def test_a_broken_stream_is_a_failure_that_is_tried_again(tmp_path: Path, pieces: list[bytes], detail: str) -> None:
    server, calls, _ = calls_of(one_bad(pieces), tmp_path)
    assert [call.outcome for call in calls].count("ranked") == 3
    (failed,) = (call for call in calls if call.outcome == "failed")
    assert detail in failed.detail
    assert len(server.requests) == 4


def test_a_stream_that_was_cut_is_tried_again_at_once(tmp_path: Path) -> None:
    _, calls, _ = calls_of(one_bad([event(chunk(content="x"))]), tmp_path, retries=1)
    assert [(call.outcome, call.attempts) for call in calls] == [("ranked", 1), ("ranked", 2), ("ranked", 1)]


def _comments() -> Iterator[bytes]:
    never = threading.Event()
    for piece in itertools.chain([event(chunk(content="x"))], itertools.repeat(b": keep-alive\n\n")):
        never.wait(0.02)
        yield piece


def _one_byte_at_a_time() -> Iterator[bytes]:
    never = threading.Event()
    for byte in itertools.cycle(event(chunk(content="x"))):
        never.wait(0.02)
        yield bytes([byte])


@pytest.mark.parametrize("pieces", [_comments, _one_byte_at_a_time])
def test_a_stream_that_does_not_end_ends_with_the_deadline(tmp_path: Path, pieces: Callable[[], Any]) -> None:
    with pytest.raises(JudgeError, match=r"no whole reply within 0\.5 s"):
        calls_of(lambda body, n: Raw(itertools.chain([HEAD], pieces())), tmp_path, timeout=0.5)


def test_a_line_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    def respond(body: Body, number: int) -> Answer:
        return Raw(itertools.chain([HEAD, b"data: "], itertools.repeat(b"x" * 2**20, 2 * MOST_BYTES // 2**20)))

    with pytest.raises(JudgeError, match=f"longer than {MOST_BYTES} bytes"):
        calls_of(respond, tmp_path, questions=1)
