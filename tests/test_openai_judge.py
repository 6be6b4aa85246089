"""Judges behind an endpoint, against a server on this machine: outcomes, retries, resume, keys, and what stops."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, Raw, body, by_length, completion, error, serving, shown
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.errors import InputError, JudgeError, Stopped
from core.evaluation import generate
from core.evaluation.answers import Answers
from core.evaluation.beforehand import check_evaluation
from core.evaluation.constitution import parse_constitution
from core.evaluation.endpoints import completions, deadline
from core.evaluation.endpoints.endpoint import resolve
from core.evaluation.generate import generate_questions
from core.evaluation.stage import judge
from core.events import JudgeCalled, QuestionsGenerated, UnitCompleted
from core.sections.who_judges import GenerateSection
from core.types import Question

KEY = "sk-test-0123456789"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ADMIN_KEY", "DEMPO_KEY_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-test")


def config(url: str | None, **judge: Any) -> RunConfig:
    one = {"kind": "openai", "model": "m", "rankings": 2, "retries": 0, "concurrency": 1, "timeout": 10.0}
    if url:
        one["base_url"] = url
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "judge": {"judges": [one | judge]}})


def answers(questions: int = 2) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def by_id(recorder: MemoryRecorder) -> dict[str, JudgeCalled]:
    """The calls that count, by judge and question."""
    calls = [event for events in recorder.completed("judge").values() for event in events]
    return {f"{c.judge}/{c.question_id}": c for c in calls if isinstance(c, JudgeCalled)}


def test_rankings_are_recorded_with_all_that_the_endpoint_said(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, by_length(body))) as server:
        found = judge(make_context("judge", config(server.url, concurrency=4), tmp_path, recorder), answers(10))
    assert [ranking.order for ranking in found.rankings] == [("c", "b", "a")] * 20
    assert len(server.requests) == 20
    assert server.keys[0] == f"Bearer {KEY}"
    request = server.requests[0]
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("m", 0.0, 1024)
    assert 0 <= request["seed"] < 2**31
    schema = request["response_format"]["json_schema"]
    assert schema["strict"] is True
    ranking = schema["schema"]["properties"]["ranking"]
    assert ranking["items"]["enum"] == ["A", "B", "C"]
    assert (ranking["minItems"], ranking["maxItems"]) == (3, 3), "or a weak model that is held to it never ends"
    call = by_id(recorder)["m#0/1:0"]
    assert (call.outcome, call.attempts, call.fingerprint, call.finish_reason) == ("ranked", 1, "fp-1", "stop")
    assert (call.prompt_tokens, call.completion_tokens) == (11, 7)
    assert json.loads(recorder.text(call.reply.sha256))["ranking"]  # type: ignore[union-attr]
    assert json.loads(recorder.text(call.prompt.sha256)) == request["messages"]  # type: ignore[union-attr]
    assert list(shown(request).values()) == [c * ("abc".index(c) + 1) for c in call.shown_order]
    assert len({call.request_key for call in by_id(recorder).values()}) == 20


def test_the_key_of_an_administrator_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-0123456789")
    with serving(lambda body, n: (200, by_length(body))) as server:
        judge(make_context("judge", config(server.url, rankings=1), tmp_path), answers(1))
    assert server.keys == [f"Bearer {KEY}"]
    assert "sk-admin" not in str(server.headers)


def test_five_outcomes_are_told_apart_and_only_one_is_a_rank(tmp_path: Path) -> None:
    bodies: list[Answer] = [
        (200, completion('{"ranking": ["B", "C", "A"]}')),
        (200, completion(None, refusal="I won't rank these.")),
        (200, completion("", finish="content_filter")),
        (200, completion('{"ranking": ["B", "C", "A"]}', finish="length")),
        (200, completion('{"ranking": ["B", "C"]}')),
        (200, completion(None)),
        (413, error("too long")),
        (413, error("too long")),
    ]
    recorder = MemoryRecorder()
    with (
        serving(lambda body, n: bodies[n]) as server,
        pytest.raises(JudgeError, match=r"1 call of judge 'm' at http://\S+ failed, the last with: 413: too long"),
    ):
        judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(7))
    calls = recorder.of_kind(JudgeCalled)
    assert len(by_id(recorder)) == 6, "what failed is never final"
    assert [call.outcome for call in calls] == [
        "ranked",
        "refused",
        "refused",
        "ranked",
        "malformed",
        "malformed",
        "failed",
        "failed",
    ]
    assert [call.ranking is None for call in calls] == [False, True, True, False] + [True] * 4
    assert calls[0].ranking == [calls[0].shown_order[i] for i in (1, 2, 0)]
    assert calls[1].detail == "I won't rank these."
    assert calls[3].detail == "cut off after 7 tokens", "and whole for all that"
    assert "must name each of A, B, C once" in calls[4].detail
    assert "413" in calls[6].detail


@pytest.mark.parametrize(
    ("rejects", "formats", "note"),
    [
        ({"bounds"}, ["json_schema"] * 4, "accepts no minItems and maxItems"),
        (
            {"bounds", "json_schema"},
            ["json_schema", "json_schema", "json_object", "json_object", "json_object"],
            "asked for json_object",
        ),
        (
            {"bounds", "json_schema", "json_object"},
            ["json_schema", "json_schema", "json_object", "text", "text", "text"],
            "asked for text",
        ),
    ],
)
def test_the_format_that_an_endpoint_accepts_is_learned_once(
    tmp_path: Path, rejects: set[str], formats: list[str], note: str
) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        kind = body.get("response_format", {"type": "text"})["type"]
        if kind in rejects or ("bounds" in rejects and "Items" in json.dumps(body.get("response_format"))):
            return 400, error(f"response_format type {kind} is unavailable", param="response_format")
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(3))
    assert server.formats == formats
    calls = list(by_id(recorder).values())
    assert [call.attempts for call in calls] == [len(rejects) + 1, 1, 1]
    assert all(note in call.detail for call in calls)


def test_other_names_of_the_token_limit_and_missing_seeds_are_learned(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        if "max_tokens" in body:
            return 400, error("Use 'max_completion_tokens' instead.", param="max_tokens")
        if "seed" in body:
            return 422, error("extra fields not permitted: 'seed'")
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, rankings=1, max_tokens=99), tmp_path, recorder), answers(2))
    assert len(server.requests) == 4
    assert server.requests[-1]["max_completion_tokens"] == 99
    assert server.formats == ["json_schema"] * 4
    assert [call.attempts for call in by_id(recorder).values()] == [3, 1]


def test_a_server_that_ignores_the_schema_is_checked_here(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, completion("A is best" if n else '{"ranking": ["A", "B", "C"]}'))) as server:
        judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(2))
    assert [call.outcome for call in by_id(recorder).values()] == ["ranked", "malformed"]


def test_retries_wait_as_asked_and_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Answer] = [
        (500, error("oops")),
        (429, error("slow down"), {"retry-after": "0.05"}),
        (200, completion('{"ranking": ["A", "B", "C"]}')),
    ]
    monkeypatch.setattr(completions, "_spread", lambda seed: 0.05)
    recorder = MemoryRecorder()
    with serving(lambda body, n: bodies[n]) as server:
        judge(make_context("judge", config(server.url, rankings=1, retries=2), tmp_path, recorder), answers(1))
    (call,) = by_id(recorder).values()
    assert (call.outcome, call.attempts, len(server.requests)) == ("ranked", 3, 3)


def test_a_call_that_fails_is_asked_again_after_the_others_and_both_are_in_the_record(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return (503, error("overloaded")) if number == 1 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        found = judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(4))
    assert len(server.requests) == 5
    assert len(found.rankings) == 4
    outcomes = Counter(call.outcome for call in recorder.of_kind(JudgeCalled))
    assert outcomes == {"ranked": 4, "failed": 1}
    assert by_id(recorder)["m#0/1:1"].outcome == "ranked"
    failed = next(call for call in recorder.of_kind(JudgeCalled) if call.outcome == "failed")
    assert failed.prompt is None, "its texts would not be in the record"


def test_what_fails_twice_ends_the_stage_and_is_asked_again_on_resume(tmp_path: Path) -> None:
    """Or 47 failures of 48 calls would end in leaderboards that look like any others."""
    hopeless = "Question 2?"

    def respond(body: dict[str, Any], number: int) -> Answer:
        rejected = bool(hopeless) and hopeless in body["messages"][-1]["content"]
        return (400, error("context length exceeded")) if rejected else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, rankings=1)
        settings = settings.model_copy(update={"judge": two_judges(server.url)})
        with pytest.raises(JudgeError) as caught:
            judge(make_context("judge", settings, tmp_path, recorder), answers(5))
        assert "1 call of judge 'm' at " in str(caught.value)
        assert "1 call of judge 'other' at " in str(caught.value), "the second judge is asked all the same"
        assert "400: context length exceeded" in str(caught.value)
        assert "`dempo resume` asks what failed again" in str(caught.value)
        assert caught.value.exit_code == 5
        assert sorted(by_id(recorder)) == [f"{m}#0/1:{i}" for m in ("m", "other") for i in (0, 1, 3, 4)]
        # Two rounds; each tries the four formats, in case the format was the reason.
        assert len(server.requests) == 2 * (4 + 2 * 4)
        assert server.formats[-1] == "text"

        asked = len(server.requests)
        with pytest.raises(JudgeError, match="1 call of judge 'm' at .*; 1 call of judge 'other' at "):
            judge(make_context("judge", settings, tmp_path, recorder), answers(5))
        assert len(server.requests) == asked + 2 * 2 * 4, "nothing that got a reply is asked again"

        hopeless = ""
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(5))
    assert len(found.rankings) == 10
    assert all(call.outcome == "ranked" for call in by_id(recorder).values())


def two_judges(url: str) -> Any:
    """The judges "m" and "other" at one endpoint."""
    one = config(url, rankings=1).judge
    other = config(url, rankings=1, model="other").judge
    assert one is not None
    assert other is not None
    return one.model_copy(update={"judges": (*one.judges, *other.judges)})


@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
def test_a_filter_that_rejects_a_request_is_a_refusal_and_asked_once(tmp_path: Path, code: str) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return (400, error("The response was filtered", code=code)) if number == 1 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        found = judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(3))
    assert (len(server.requests), len(found.rankings)) == (3, 2)
    call = by_id(recorder)["m#0/1:1"]
    assert (call.outcome, call.detail) == ("refused", "The response was filtered")
    assert recorder.text(call.reply.sha256) == ""  # type: ignore[union-attr]


# ---------------------------------------------------------------- responses that are no replies

BROKEN = {
    "cut off": body(json.dumps(completion("x")).encode()[:-30]),
    "empty": body(b""),
    "no UTF-8": body(json.dumps(completion("QQ")).encode().replace(b"QQ", b"\xff\xfe")),
    "nested": body(b"[" * 200_000 + b"]" * 200_000),
    "a number": body(b"1" * 5000),
    "a message that is a text": body(json.dumps({"choices": [{"message": "hello"}]}).encode()),
    "a choice that is a list": body(b'{"choices": [[1]]}'),
    "an error of a provider": body(b'{"error": {"message": "overloaded, try again", "code": 502}}'),
    "a reply that ended by an error": body(json.dumps(completion("", finish="error")).encode()),
    "less than announced": body(b"{", length=5000),
    "an unknown encoding of an error": Raw(
        [
            b"HTTP/1.1 400 X\r\ncontent-type: text/html; charset=rot13\r\ncontent-length: 2\r\n"
            b"connection: close\r\n\r\nno"
        ]
        * 4
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_response_is_a_failure_of_that_call_alone(tmp_path: Path, name: str) -> None:
    """Two of them among good ones that are still in flight: those are recorded, and the two are asked again."""
    both = threading.Barrier(2, timeout=20)

    def respond(body: dict[str, Any], number: int) -> Answer:
        if number in (1, 2):
            both.wait()
            return BROKEN[name]
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, rankings=1, concurrency=4, retries=0)
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(12))
    assert len(found.rankings) == 12
    failed = [call for call in recorder.of_kind(JudgeCalled) if call.outcome == "failed"]
    assert len(failed) == 2
    assert all(call.detail for call in failed)
    if name == "an error of a provider":
        assert "overloaded, try again" in failed[0].detail


def test_what_an_endpoint_calls_itself_is_fit_for_the_record(tmp_path: Path) -> None:
    hostile = completion('{"ranking": ["A", "B", "C"]}') | {"system_fingerprint": f"\ud800\n{KEY}" + "x" * 1000}
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, hostile)) as server:
        judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(1))
    (call,) = by_id(recorder).values()
    assert call.fingerprint is not None
    assert call.fingerprint.startswith("[key]xxx")
    assert len(call.fingerprint) == 300


class Trickle:
    """A reply of which one byte comes at a time, for ever; `begun` is set once it has begun."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.begun = threading.Event()
        self.never = threading.Event()

    def pieces(self) -> Iterator[bytes]:
        yield self.head
        while True:
            self.begun.set()
            self.never.wait(0.02)
            yield b" "


BEGINNINGS = [
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx-slow: ",
    b"HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n",
]


@pytest.mark.parametrize("head", BEGINNINGS, ids=["body", "headers", "body of an error"])
def test_the_timeout_is_a_deadline_for_a_reply_that_trickles(tmp_path: Path, head: bytes) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return Raw(Trickle(head).pieces()) if number == 1 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, rankings=1, timeout=3.0)
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(4))
    assert len(found.rankings) == 4
    failed = {call.detail for call in recorder.of_kind(JudgeCalled) if call.outcome == "failed"}
    assert failed == {"no whole reply within 3 s"}


def test_a_reply_without_end_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "MOST_BYTES", 100_000)

    def respond(body: dict[str, Any], number: int) -> Answer:
        flood = (b" " * 10_000 for _ in range(10_000))
        return Raw(itertools.chain([BEGINNINGS[0]], flood)) if number == 1 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        found = judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(3))
    assert len(found.rankings) == 3
    (failed,) = [call for call in recorder.of_kind(JudgeCalled) if call.outcome == "failed"]
    assert "longer than 100000 bytes" in failed.detail


@pytest.mark.parametrize("status", ["200 OK", "400 X"])
def test_a_small_body_that_unpacks_to_a_large_one_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(deadline, "MOST_BYTES", 100_000)
    packed = gzip.compress(b" " * 10_000_000)
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
        f"content-length: {len(packed)}\r\nconnection: close\r\n\r\n"
    )
    recorder = MemoryRecorder()
    with serving(lambda body, n: Raw([head.encode(), packed]) if n == 1 else (200, by_length(body))) as server:
        found = judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(3))
    assert len(found.rankings) == 3
    (failed,) = [call for call in recorder.of_kind(JudgeCalled) if call.outcome == "failed"]
    assert "longer than 100000 bytes" in failed.detail


def test_a_request_to_stop_waits_for_a_reply_that_trickles_until_its_deadline_and_no_longer(tmp_path: Path) -> None:
    """What is sent may have to be paid for: the good one in flight is recorded, the other as the failure that it is."""
    slow = Trickle(BEGINNINGS[0])

    def respond(body: dict[str, Any], number: int) -> Answer:
        if number == 1:
            return Raw(slow.pieces())
        if number == 2:
            slow.begun.wait(20)
            ctx.folder.stop_request.touch()
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, rankings=1, timeout=3.0, concurrency=2, retries=4)
        ctx = make_context("judge", settings, tmp_path, recorder)
        begun = time.monotonic()
        with pytest.raises(Stopped):
            judge(ctx, answers(40))
        # Without the deadline it would never end; with retries after the stop it would take more than five times 3 s.
        assert time.monotonic() - begun < 15
    outcomes = Counter(call.outcome for call in recorder.of_kind(JudgeCalled))
    assert outcomes["failed"] == 1
    assert outcomes["ranked"] == len(server.requests) - 1 < 40


# ---------------------------------------------------------------- what stops the stage


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, error(f"Incorrect API key provided: {KEY}")), "refused model 'm' with 401: it does not accept the key"),
        ((403, error("no")), "with 403"),
        ((404, error("model not found")), "knows no model 'm'"),
        ((400, error("no such model", code="model_not_found")), "knows no model 'm'"),
        ((402, error("pay")), "no credit left"),
        ((429, error("quota", code="insufficient_quota")), "no credit left"),
        ((307, error("moved"), {"location": "http://elsewhere.example/v1"}), "redirects to another address"),
        ((400, error("temperature: 0 is below the minimum", param="temperature")), "temperature = 0 is not accepted"),
        ((200, "<html>welcome</html>"), "no chat completion"),
        ((200, {"error": {"message": "no"}}), "no chat completion"),
        ((400, error("everything is wrong")), "everything is wrong"),
        ((500, error(f"the key {KEY} broke it")), "broke it"),
    ],
)
def test_an_endpoint_that_is_of_no_use_stops_the_stage(tmp_path: Path, answer: Answer, message: str) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: answer) as server, pytest.raises(JudgeError) as caught:
        judge(make_context("judge", config(server.url), tmp_path, recorder), answers(9))
    assert message in str(caught.value)
    assert server.url.removesuffix("/v1") in str(caught.value)
    assert len(server.requests) <= 12, "it does not go on asking: three calls, at most in each of four formats"
    assert not by_id(recorder), "no call is final, so a resumed run asks them all"
    assert KEY not in str(caught.value)
    assert KEY not in str(recorder.events)
    assert caught.value.exit_code == 5


def test_nobody_listening_stops_the_stage(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    recorder = MemoryRecorder()
    with pytest.raises(
        JudgeError, match=r"judge 'm' at http://127\.0\.0\.1:\d+ cannot be used: .*Connection"
    ) as caught:
        judge(make_context("judge", config(url), tmp_path, recorder), answers(9))
    assert "then resume" in str(caught.value)
    assert [call.outcome for call in recorder.of_kind(JudgeCalled)] == ["failed"] * 3


def test_an_outage_in_the_middle_keeps_what_was_paid_and_resume_asks_only_the_rest(tmp_path: Path) -> None:
    down = True

    def respond(body: dict[str, Any], number: int) -> Answer:
        return (503, error("down")) if down and number >= 12 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, concurrency=4)
        with pytest.raises(JudgeError, match="8 calls in a row failed, the last with: 503"):
            judge(make_context("judge", settings, tmp_path, recorder), answers(20))
        assert len(by_id(recorder)) == 12
        down = False
        asked = len(server.requests)
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(20))
        assert len(server.requests) == asked + 40 - 12
    assert [ranking.question_id for ranking in found.rankings] == [f"1:{i}" for _ in range(2) for i in range(20)]


def test_a_key_that_is_refused_in_the_middle_stops_the_stage_and_loses_nothing(tmp_path: Path) -> None:
    """OpenRouter's "Key limit exceeded" is a 403, and so is a key that was revoked: it is every later call's answer."""
    spent = True

    def respond(body: dict[str, Any], number: int) -> Answer:
        return (403, error("Key limit exceeded")) if spent and number >= 5 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, concurrency=2, retries=4)
        with pytest.raises(
            JudgeError, match="4 calls in a row failed, the last with: 403: Key limit exceeded"
        ) as caught:
            judge(make_context("judge", settings, tmp_path, recorder), answers(20))
        assert caught.value.exit_code == 5
        assert len(server.requests) <= 15, "it is not tried again, and few others are tried: 40 calls were planned"
        assert len(by_id(recorder)) == 5
        spent = False
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(20))
    assert len(found.rankings) == 40


def test_one_call_that_is_forbidden_does_not_keep_the_others_from_being_asked(tmp_path: Path) -> None:
    """Moderation answers 403 as well, and speaks of one prompt."""

    def respond(body: dict[str, Any], number: int) -> Answer:
        flagged = "Question 1?" in body["messages"][-1]["content"]
        return (403, error("flagged")) if flagged else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server, pytest.raises(JudgeError, match="1 call of judge 'm' at .* 403: flagged"):
        judge(make_context("judge", config(server.url, rankings=1), tmp_path, recorder), answers(5))
    assert len(by_id(recorder)) == 4


def test_a_request_to_stop_keeps_the_calls_in_flight_and_resume_gives_the_same_result(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    stop_at = 7

    def respond(body: dict[str, Any], number: int) -> Answer:
        if number == stop_at:
            ctx.folder.stop_request.touch()
        return 200, by_length(body)

    with serving(respond) as server:
        settings = config(server.url, concurrency=3)
        ctx = make_context("judge", settings, tmp_path / "a", recorder)
        with pytest.raises(Stopped):
            judge(ctx, answers(20))
        ctx.folder.stop_request.unlink()
        paid = len(server.requests)
        assert 8 <= paid < 40
        assert len(by_id(recorder)) == paid, "every call that was answered is recorded"
        stop_at = -1
        resumed = judge(make_context("judge", settings, tmp_path / "a", recorder), answers(20))
        assert len(server.requests) == 40
        fresh = MemoryRecorder()
        uninterrupted = judge(make_context("judge", settings, tmp_path / "b", fresh), answers(20))
    assert resumed == uninterrupted
    volatile = {"seconds", "attempts"}
    assert {k: c.model_dump(exclude=volatile) for k, c in by_id(recorder).items()} == {
        k: c.model_dump(exclude=volatile) for k, c in by_id(fresh).items()
    }


def test_concurrency_is_bounded_and_used(tmp_path: Path) -> None:
    inside, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def respond(body: dict[str, Any], number: int) -> Answer:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == 3:
                full.set()
        if number > 2:  # one goes alone, then two: from then on there are three at once
            full.wait(5)
        with lock:
            inside -= 1
        return 200, by_length(body)

    with serving(respond) as server:
        judge(make_context("judge", config(server.url, concurrency=3), tmp_path), answers(6))
    assert most == 3


def test_a_run_without_any_ranking_says_so(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with (
        serving(lambda body, n: (200, completion("I'd rather not."))) as server,
        pytest.raises(JudgeError, match="none of the 4 judge calls gave a ranking"),
    ):
        judge(make_context("judge", config(server.url), tmp_path, recorder), answers())
    assert [call.outcome for call in by_id(recorder).values()] == ["malformed"] * 4


def test_a_judge_that_never_ranks_is_asked_no_more_than_a_resume_wants(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    never = "none of the first 20 replies of judge 'm' gave a ranking"
    with serving(lambda body, n: (200, completion("I'd rather not."))) as server:
        for asked in (20, 40):
            with pytest.raises(JudgeError, match=rf"{never} \(20 malformed\)"):
                judge(make_context("judge", config(server.url, concurrency=1), tmp_path, recorder), answers(60))
            assert len(server.requests) == asked
    assert len(by_id(recorder)) == 40, "what was paid for is recorded"


def test_one_ranking_is_enough_to_go_on(tmp_path: Path) -> None:
    recorder = MemoryRecorder()

    def once(body: dict[str, Any], number: int) -> Answer:
        return 200, by_length(body) if number == 10 else completion("I'd rather not.")

    with serving(once) as server:
        for questions in (40, 60):
            judge(make_context("judge", config(server.url, concurrency=1), tmp_path, recorder), answers(questions))
    assert len(by_id(recorder)) == 120, "two rankings of each question"


# ---------------------------------------------------------------- where a key may go


@pytest.mark.parametrize(
    ("url", "environment", "sent"),
    [
        (None, {}, True),
        ("https://api.openai.com/v1", {}, True),
        ("http://api.openai.com/v1", {}, False),
        ("https://api.openai.com.evil.example/v1", {}, False),
        ("https://elsewhere.example/v1", {}, False),
        (None, {"OPENAI_BASE_URL": "https://mine.example/v1"}, True),
        ("https://mine.example/other", {"OPENAI_BASE_URL": "https://mine.example/v1"}, True),
        ("http://mine.example/v1", {"OPENAI_BASE_URL": "https://mine.example/v1"}, False),
        ("https://mine.example:8443/v1", {"OPENAI_BASE_URL": "https://mine.example/v1"}, False),
        ("https://elsewhere.example/v1", {"OPENAI_BASE_URL": "https://mine.example/v1"}, False),
        ("https://listed.example:8443/v1", {"DEMPO_KEY_HOSTS": "a.example, Listed.example"}, True),
        ("https://listed.example:8000/v1", {"DEMPO_KEY_HOSTS": "listed.example:8000"}, True),
        ("https://listed.example:8001/v1", {"DEMPO_KEY_HOSTS": "listed.example:8000"}, False),
        ("https://x.listed.example/v1", {"DEMPO_KEY_HOSTS": "listed.example"}, False),
        ("http://listed.example:8000/v1", {"DEMPO_KEY_HOSTS": "listed.example:8000"}, False),
        ("http://localhost:8000/v1", {}, True),
        ("http://127.0.0.1:8000/v1", {}, True),
        ("http://[::1]:8000/v1", {}, True),
        ("http://127.0.0.1.evil.example/v1", {}, False),
        ("http://localhost@evil.example/v1", {}, False),
    ],
)
def test_a_key_goes_only_to_hosts_confirmed_for_it(url: str | None, environment: dict[str, str], sent: bool) -> None:
    variables = {"OPENAI_API_KEY": KEY, **environment}
    if sent:
        assert resolve(url, variables).key == KEY
        return
    with pytest.raises(JudgeError) as caught:
        resolve(url, variables)
    assert KEY not in str(caught.value)


def test_without_a_key_an_endpoint_is_used_without_one_and_openai_is_not_asked(tmp_path: Path) -> None:
    assert resolve("http://elsewhere.example/v1", {}).key == ""
    with pytest.raises(
        JudgeError, match="would get what OPENAI_CUSTOM_HEADERS holds: OPENAI_API_KEY was not set for it"
    ):
        resolve("https://elsewhere.example/v1", {"OPENAI_CUSTOM_HEADERS": "authorization: Bearer x"})
    with pytest.raises(JudgeError, match="needs a key: set OPENAI_API_KEY"):
        resolve(None, {})


def test_nothing_about_the_user_goes_to_an_endpoint_without_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    with serving(lambda body, n: (200, by_length(body))) as server:
        judge(make_context("judge", config(server.url), tmp_path), answers(1))
    assert KEY not in str(server.headers)
    assert "org-test" not in str(server.headers)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user:word@host.example/v1", "holds user info"),
        ("https://host.example/v1?key=word", "holds user info, a query"),
        ("host.example/v1", "is not an address"),
        ("file:///etc/passwd", "is not an address"),
        ("https://", "is not an address"),
        ("https://host.example:99999/v1", "is not an address"),
    ],
)
def test_addresses_with_secrets_or_without_a_host_are_refused(url: str, message: str) -> None:
    with pytest.raises(JudgeError, match=message) as caught:
        resolve(url, {})
    assert "word" not in str(caught.value)


def test_the_key_is_cut_out_of_replies(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, completion(f'{KEY} {{"ranking": ["A", "B", "C"]}}'))) as server:
        judge(make_context("judge", config(server.url), tmp_path, recorder), answers())
    assert KEY.encode() not in b"".join(recorder.blobs.values())
    assert KEY not in str(recorder.events)


# ---------------------------------------------------------------- questions by a model

CONSTITUTION = parse_constitution("1. Be kind.\n4. Be true.\n5. Be brief.\n")


def test_questions_are_written_per_clause_and_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down, asked_about = True, list[str]()

    def respond(body: dict[str, Any], number: int) -> Answer:
        case, _ = json.JSONDecoder().raw_decode(body["messages"][-1]["content"])
        if down and case["rule"] == "Be brief.":
            return 503, error("down")
        asked_about.append(case["rule"])  # clauses are asked about at once: which request is the first, nobody knows
        first = case["rule"] == "Be kind." and asked_about.count("Be kind.") == 1
        texts = ["Same?"] * 4 if first else [f"{case['rule']} Number {i}?" for i in range(4)]
        return 200, completion(json.dumps({"questions": texts}))

    monkeypatch.setattr(generate, "RETRIES", 0)
    recorder = MemoryRecorder()
    with serving(respond) as server:
        section = GenerateSection(model="writer", base_url=server.url, per_clause=3)
        with pytest.raises(JudgeError, match="wrote no usable questions for clause 5 in 3 tries: 503"):
            generate_questions(make_context("answer", config(None), tmp_path, recorder), section, CONSTITUTION, 3)
        assert len(recorder.of_kind(QuestionsGenerated)) == 2
        down = False
        asked = len(server.requests)
        found = generate_questions(make_context("answer", config(None), tmp_path, recorder), section, CONSTITUTION, 3)
        assert len(server.requests) == asked + 1
    assert [(q.question_id, q.clause_id, q.clause, q.text) for q in found][2:5] == [
        ("1:2", 1, "Be kind.", "Be kind. Number 2?"),
        ("4:0", 4, "Be true.", "Be true. Number 0?"),
        ("4:1", 4, "Be true.", "Be true. Number 1?"),
    ]
    attempts = {event.clause_id: event.attempts for event in recorder.of_kind(QuestionsGenerated)}
    assert attempts[1] == 2, "the first reply repeated one question and did not count"
    assert attempts[4] == 1
    assert len(recorder.of_kind(UnitCompleted)) == 3


# ---------------------------------------------------------------- before the run


def test_preflight_finds_before_training_what_would_be_refused_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.txt").write_text("1. Be kind.\n")
    questions = tmp_path / "q"
    questions.mkdir()
    (questions / "1.json").write_text(json.dumps({"clause_id": 1, "clause": "Be kind.", "questions": ["How?"]}))
    values: dict[str, Any] = {
        "run": {"name": "r"},
        "data": {},
        "conditions": [{"name": "base", "source": "none"}, {"name": "full", "source": "all"}],
        "answer": {"constitution": str(tmp_path / "c.txt"), "questions": str(questions)},
        "judge": {"judges": [{"kind": "openai", "model": "m"}, {"kind": "local", "model": "base"}]},
    }
    assert list(check_evaluation(RunConfig.model_validate(values))) == []
    monkeypatch.delenv("OPENAI_API_KEY")
    (error,) = check_evaluation(RunConfig.model_validate(values))
    assert isinstance(error, JudgeError)
    assert "needs a key" in str(error)
    values["judge"]["judges"].pop(0)
    assert list(check_evaluation(RunConfig.model_validate(values))) == []
    values["answer"]["constitution"] = str(tmp_path / "none.txt")
    (missing,) = check_evaluation(RunConfig.model_validate(values))
    assert isinstance(missing, InputError)
    assert "cannot read the constitution" in str(missing)
