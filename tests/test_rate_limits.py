"""Judges and writers at an endpoint that limits its calls: nothing is lost, and people are told."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, Raw, by_length, completion, error, serving
from jumping_clock import JumpingClock
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.config_file import parse_config
from core.errors import JudgeError, Stopped
from core.evaluation import generate
from core.evaluation.answers import Answers
from core.evaluation.constitution import parse_constitution
from core.evaluation.endpoints import completions, pace, shared
from core.evaluation.generate import generate_questions
from core.evaluation.judges import openai_judge
from core.evaluation.stage import judge
from core.events import JudgeCalled
from core.pipeline import stage_keys
from core.sections.who_judges import GenerateSection
from core.stage import Context
from core.types import Question

LIMITED: Answer = (429, error("slow down"))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    """Pauses of an endpoint take no time, and what happens between them none either."""
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY", "DEMPO_KEY_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    one = JumpingClock()
    monkeypatch.setattr(pace, "Clock", lambda: one)
    monkeypatch.setattr(completions, "_spread", lambda seed: 0.0)
    return one


def config(url: str, patience: float = 30.0, **own: Any) -> RunConfig:
    listed = [{"name": "router", "base_url": url, "key_env": ""}]
    one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "concurrency": 1, "timeout": 20.0}
    section = {"patience": patience, "judges": [one | {"endpoint": "router"} | own]}
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "endpoints": listed, "judge": section})


def answers(questions: int) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def outcomes(recorder: MemoryRecorder) -> Counter[str]:
    return Counter(call.outcome for call in recorder.of_kind(JudgeCalled))


@pytest.mark.parametrize("concurrency", [8, 32])
def test_nothing_is_lost_at_four_requests_a_second(tmp_path: Path, clock: JumpingClock, concurrency: int) -> None:
    """The server says nothing of when to come again."""
    served: list[float] = []
    lock = threading.Lock()

    def respond(body: dict[str, Any], number: int) -> Answer:
        with lock:
            now = clock.now()
            if sum(moment > now - 1 for moment in served) >= 4:
                return LIMITED
            served.append(now)
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        found = judge(
            make_context("judge", config(server.url, concurrency=concurrency), tmp_path, recorder), answers(60)
        )
    assert len(found.rankings) == 60
    assert outcomes(recorder) == {"ranked": 60}
    assert len(server.requests) < 2 * 60
    assert sum(call.attempts for call in recorder.of_kind(JudgeCalled)) == len(server.requests), "each is counted"


def test_a_window_of_minutes_is_waited_out(tmp_path: Path, clock: JumpingClock) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return LIMITED if number and clock.now() < 600 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, concurrency=4)
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(8))
    assert len(found.rankings) == 8
    assert outcomes(recorder) == {"ranked": 8}
    assert len(server.requests) < 8 + 2 + 40, "it is not hammered meanwhile"


class StandingClock(JumpingClock):
    """A clock that stands still: whoever waits goes on waiting until somebody stops it."""

    def wait(self, until: float, stop: threading.Event) -> None:
        assert stop.wait(20), "nobody stopped it"


class Watched(MemoryRecorder):
    """Asks for a stop as soon as people are told of a wait."""

    ctx: Context

    def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        super().progress(stage, done, total, detail, left)
        if "waiting" in detail:
            self.ctx.folder.stop_request.touch()


@pytest.mark.parametrize("stage", ["judge", "answer"])
def test_a_wait_is_shown_and_a_request_to_stop_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(pace, "Clock", StandingClock)
    recorder = Watched()
    with serving(lambda body, n: (429, error("slow down"), {"retry-after": "42"})) as server:
        ctx = recorder.ctx = make_context(stage, config(server.url, concurrency=32), tmp_path, recorder)
        if stage == "judge":
            most, total = 32, 60
            with pytest.raises(Stopped):
                judge(ctx, answers(60))
        else:
            most, total = generate.CONCURRENCY, 2
            section = GenerateSection(model="w", endpoint="router")
            with pytest.raises(Stopped):
                generate_questions(ctx, section, parse_constitution("1. Be kind.\n2. Be true.\n"), 2)
    told = (stage, 0, total, f"router: rate limited, waiting 42 s, 1 of {most} at once")
    assert set(recorder.progresses) - {("judge", 0, 60, "m: failed")} == {told}
    assert len(server.requests) == 1


def test_ctrl_c_ends_a_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "Clock", StandingClock)

    class Interrupted(MemoryRecorder):
        def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
            if "waiting" in detail:
                raise KeyboardInterrupt

    with serving(lambda body, n: LIMITED) as server:
        ctx = make_context("judge", config(server.url), tmp_path, Interrupted())
        with pytest.raises(KeyboardInterrupt):
            judge(ctx, answers(60))
    assert len(server.requests) == 1


def test_after_the_patience_the_stage_ends_and_resume_goes_on(tmp_path: Path, clock: JumpingClock) -> None:
    over = False

    def respond(body: dict[str, Any], number: int) -> Answer:
        return (200, by_length(body)) if over or number < 3 or number > 500 else LIMITED

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, patience=10.0, concurrency=4)
        with pytest.raises(
            JudgeError, match=r"nothing but limits.*429: slow down.*patience of 10 min: resume"
        ) as caught:
            judge(make_context("judge", settings, tmp_path, recorder), answers(9))
        assert caught.value.exit_code == 5
        assert clock.now() >= 600
        assert outcomes(recorder)["ranked"] == 3
        over = True
        asked = len(server.requests)
        found = judge(make_context("judge", settings, tmp_path, recorder), answers(9))
        assert len(server.requests) == asked + 6
    assert len(found.rankings) == 9


def test_an_endpoint_that_asks_for_hours_is_not_waited_for(tmp_path: Path, clock: JumpingClock) -> None:
    with (
        serving(lambda body, n: (429, error("come tomorrow"), {"retry-after": "86400"})) as server,
        pytest.raises(JudgeError, match=r"429: come tomorrow.*patience of 30 min"),
    ):
        judge(make_context("judge", config(server.url), tmp_path), answers(9))
    assert len(server.requests) == 1
    assert clock.now() == 0


@pytest.mark.parametrize(
    "limit",
    [
        LIMITED,
        (529, error("overloaded")),
        (503, error("loading"), {"retry-after": "7"}),
        (429, "no", {"retry-after": "0"}),
    ],
)
def test_limits_use_up_no_retries(tmp_path: Path, limit: Answer) -> None:
    """Faults do: of six limits and one fault, one retry gets a ranking, and another fault none."""

    def respond(body: dict[str, Any], number: int) -> Answer:
        return (500, error("oops")) if number == 6 else limit if number < 6 else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, retries=1), tmp_path, recorder), answers(1))
    (call,) = recorder.of_kind(JudgeCalled)
    assert (call.outcome, call.attempts, len(server.requests)) == ("ranked", 8, 8)


@pytest.mark.parametrize("asked", ["0", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_no_time_to_wait_is_no_reason_to_come_again_at_once(tmp_path: Path, clock: JumpingClock, asked: str) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        limited = (429, error("slow down"), {"retry-after": asked})
        return limited if number < 3 else (200, by_length(body))

    with serving(respond) as server:
        judge(make_context("judge", config(server.url), tmp_path), answers(1))
    assert clock.now() == 1 + 2 + 4


QUOTED = {"headers": {"Retry-After": "42"}}

IN_A_BODY: list[tuple[Any, float]] = [
    (error("slow down", code=429), 1),
    (error("slow down", code="429"), 1),
    (error("Provider returned error", code=429, metadata=QUOTED | {"raw": "slow down"}), 42),
    (error("slow down", code=529, metadata={"headers": {"retry-after-ms": 2500}}), 2.5),
    (error("slow down", code=503, metadata=QUOTED), 42),
    (error("slow down", code=429, metadata={"headers": {"Retry-After": "soon", "X-RateLimit-Reset": "now"}}), 1),
    (completion("half", finish="error") | {"error": {"code": 429, "message": "slow down"}}, 1),
    (
        {
            "choices": [
                {"message": {"content": ""}, "finish_reason": "error", "error": error("slow down", code=429)["error"]}
            ]
        },
        1,
    ),
]
"""Errors under status 200, as routers send them, and how long they are waited for."""


@pytest.mark.parametrize(("told", "waited"), IN_A_BODY)
def test_a_limit_under_status_200_is_waited_out(tmp_path: Path, clock: JumpingClock, told: Any, waited: float) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, told) if n == 1 else (200, by_length(body))) as server:
        judge(make_context("judge", config(server.url), tmp_path, recorder), answers(3))
    assert [call.attempts for call in recorder.of_kind(JudgeCalled)] == [1, 2, 1]
    assert outcomes(recorder) == {"ranked": 3}
    assert clock.moment == waited


def test_its_words_are_said_where_it_is_waited_for_in_vain(tmp_path: Path, clock: JumpingClock) -> None:
    """Also under a status of its own a router quotes when the limit ends: here a day later."""
    tomorrow = {"headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": str(int(1000 * (time.time() + 86_400)))}}
    told = error("Rate limit exceeded: free-models-per-day", code=429, metadata=tomorrow)
    for status in (200, 429):
        with serving(lambda body, n, status=status: (status, told)) as server:
            with pytest.raises(JudgeError, match=r"429: Rate limit exceeded: free-models-per-day; .* resume later"):
                judge(make_context("judge", config(server.url), tmp_path / str(status)), answers(3))
            assert len(server.requests) == 1
    assert clock.moment == 0


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (error("no such key", code=401), "refused model 'm' with 401"),
        (error("pay first", code=402), "the account has no credit left"),
        (error("not found", code=404), "knows no model 'm'"),
    ],
)
def test_an_error_under_status_200_means_what_its_status_would(tmp_path: Path, told: Any, sentence: str) -> None:
    with serving(lambda body, n: (200, told)) as server, pytest.raises(JudgeError, match=sentence):
        judge(make_context("judge", config(server.url), tmp_path), answers(3))
    assert len(server.requests) == 1


@pytest.mark.parametrize("told", [error("busy", code=503), error("oops", code=502), completion("", finish="error")])
def test_a_fault_under_status_200_is_tried_again(tmp_path: Path, told: Any) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, told) if n in (1, 2) else (200, by_length(body))) as server:
        judge(make_context("judge", config(server.url, retries=2), tmp_path, recorder), answers(3))
    assert [(call.outcome, call.attempts) for call in recorder.of_kind(JudgeCalled)] == [
        ("ranked", 1),
        ("ranked", 3),
        ("ranked", 1),
    ]


def test_a_shape_that_is_refused_under_status_200_is_learned(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return (200, error("no", code=400, param="seed") if "seed" in body else by_length(body))

    with serving(respond) as server:
        judge(make_context("judge", config(server.url), tmp_path), answers(3))
    assert ["seed" in body for body in server.requests] == [True, False, False, False]


class Kept(pace.Pace):
    """A pace that can be looked at afterwards."""

    made: list[Kept]

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.made.append(self)


@pytest.mark.parametrize(
    ("answer", "fewer"),
    [((503, error("busy")), True), (Raw([]), True), (TimeoutError, True), ((500, error("oops")), False)],
    ids=["busy", "lost", "late", "broken"],
)
def test_an_endpoint_that_cannot_keep_up_is_asked_less_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, fewer: bool
) -> None:
    """These are faults, which retries are for; only what is no sign of too much leaves the number as it is."""
    send = completions.Completions._send
    begun = itertools.count()

    def sent(self: completions.Completions, arguments: Any, seconds: float) -> Any:
        if next(begun) == 9 and answer is TimeoutError:
            raise TimeoutError
        return send(self, arguments, seconds)

    def respond(body: dict[str, Any], number: int) -> Answer:
        return answer if number == 9 and answer is not TimeoutError else (200, by_length(body))

    monkeypatch.setattr(Kept, "made", [], raising=False)
    monkeypatch.setattr(shared, "Pace", Kept)
    monkeypatch.setattr(completions.Completions, "_send", sent)
    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url, concurrency=8, retries=1), tmp_path, recorder), answers(10))
    assert outcomes(recorder) == {"ranked": 10}
    assert (Kept.made[0].at_once < 8) is fewer


def test_what_an_endpoint_accepts_is_learned_by_the_first_call_alone(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        rejected = body.get("response_format", {}).get("type") == "json_schema"
        return (400, error("no such response_format")) if rejected else (200, by_length(body))

    with serving(respond) as server:
        judge(make_context("judge", config(server.url, concurrency=8), tmp_path), answers(12))
    assert server.formats == ["json_schema"] * 2 + ["json_object"] * 12


# ------------------------------------------------------------ time-outs


def test_after_a_time_out_a_call_gets_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def late(self: completions.Completions, arguments: Any, seconds: float) -> None:
        given.append(seconds)
        raise TimeoutError

    monkeypatch.setattr(completions.Completions, "_send", late)
    recorder = MemoryRecorder()
    settings = config("http://127.0.0.1:9/v1", retries=4, timeout=10.0)
    with pytest.raises(JudgeError, match="no whole reply within 40 s"):
        judge(make_context("judge", settings, tmp_path, recorder), answers(9))
    assert given == [10, 20, 40, 40, 40] * 3
    assert [call.attempts for call in recorder.of_kind(JudgeCalled)] == [5, 5, 5]


def test_a_judge_that_is_slower_than_the_timeout_is_heard(tmp_path: Path) -> None:
    never = threading.Event()

    def respond(body: dict[str, Any], number: int) -> Answer:
        never.wait(0.75)
        return 200, by_length(body)

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, retries=4, timeout=0.5)
        judge(make_context("judge", settings, tmp_path, recorder), answers(1))
    (call,) = recorder.of_kind(JudgeCalled)
    assert call.outcome == "ranked"
    assert call.attempts > 1


# ------------------------------------------------------------ who writes questions, and the rest


@pytest.mark.parametrize("patience", [1.0, 5.0])
def test_a_writer_of_questions_is_waited_for_as_well(tmp_path: Path, clock: JumpingClock, patience: float) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        return (200, completion(json.dumps({"questions": ["How?", "Why?"]}))) if clock.now() > 120 else LIMITED

    rules = parse_constitution("1. Be kind.\n")
    with serving(respond) as server:
        section = GenerateSection(model="w", endpoint="router", per_clause=2, patience=patience)
        ctx = make_context("answer", config(server.url), tmp_path)
        if patience > 2:
            assert len(generate_questions(ctx, section, rules, 2)) == 2
            return
        with pytest.raises(JudgeError, match=r"patience of 1 min"):
            generate_questions(ctx, section, rules, 2)


def test_patience_is_in_no_key_of_a_stage() -> None:
    text = (
        '[run]\nname = "r"\n[data]\n[answer]\nconstitution = "c.txt"\n[answer.generate]\nmodel = "w"\npatience = {0}\n'
        '[judge]\npatience = {0}\n[[judge.judges]]\nkind = "openai"\nmodel = "m"\n'
    )
    one, other = (parse_config(text.format(minutes)).config for minutes in (5, 50))
    assert one.judge != other.judge
    assert stage_keys(one) == stage_keys(other)
    assert stage_keys(one) != stage_keys(parse_config(text.format(5).replace('"w"', '"v"')).config)


def test_a_request_is_put_together_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    messages = openai_judge.judge_messages

    def counted(question: Question, shown: Any, *more: Any) -> Any:
        made.append(question.question_id)
        return messages(question, shown, *more)

    monkeypatch.setattr(openai_judge, "judge_messages", counted)
    with serving(lambda body, n: (200, by_length(body))) as server:
        judge(make_context("judge", config(server.url), tmp_path), answers(5))
    assert len(made) == 5
