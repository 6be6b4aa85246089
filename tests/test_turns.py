"""When requests are due under the limits of an endpoint, and that a pace keeps to them before it has to be told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from chat_server import Answer, by_length, completion, serving
from hypothesis import given
from hypothesis import strategies as st
from jumping_clock import JumpingClock
from memory_recorder import MemoryRecorder, make_context

from core.config import RunConfig
from core.config_file import parse_config
from core.errors import InputError
from core.evaluation.answers import Answers
from core.evaluation.constitution import parse_constitution
from core.evaluation.endpoints import pace as pace_module
from core.evaluation.endpoints.dialect import PLAIN, Dialect
from core.evaluation.endpoints.endpoint import Endpoint
from core.evaluation.endpoints.pace import Pace, Ticket
from core.evaluation.endpoints.shared import Shared
from core.evaluation.endpoints.turns import Limits, Turns
from core.evaluation.generate import generate_questions
from core.evaluation.stage import judge
from core.pipeline import stage_keys
from core.sections.who_judges import GenerateSection
from core.types import Question

NEVER = threading.Event()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_API_KEY", "DEMPO_KEY_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    one = JumpingClock()
    monkeypatch.setattr(pace_module, "Clock", lambda: one)
    return one


def pace(clock: JumpingClock, most: int = 8, **limits: int) -> Pace:
    one = Pace(most, 1800.0, clock, Limits(**limits))
    one.at_once = one.most
    return one


def enter(one: Pace) -> Ticket:
    ticket = one.enter(NEVER)
    assert ticket is not None
    return ticket


# ------------------------------------------------------------ moments


@given(st.integers(1, 600), st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_no_minute_has_more_requests_than_the_limit(limit: int, pauses: Sequence[float]) -> None:
    turns, now, due = Turns(Limits(requests_per_minute=limit)), 0.0, []
    for pause in pauses:
        now += pause
        due.append(turns.take(now)[0])
        assert due[-1] >= now
    for moment in due:
        assert sum(moment <= other < moment + 60 - 1e-6 for other in due) <= limit


def test_tokens_are_charged_by_the_mean_of_the_replies_and_put_right_afterwards() -> None:
    turns = Turns(Limits(tokens_per_minute=600))
    assert turns.take(0.0) == (0.0, 0.0), "of the first nobody knows"
    turns.settle(0.0, 0.0, 300)
    assert turns.take(0.0) == (30.0, 300.0)
    turns.settle(30.0, 300.0, 100)
    assert turns.take(30.0) == (40.0, 200.0), "300 before took 30 s, and 100 instead of 300 take 10 s"
    turns.refund(200.0)
    assert turns.take(40.0) == (40.0, 200.0)


def test_without_limits_every_request_is_due_at_once() -> None:
    turns = Turns(Limits())
    turns.settle(0.0, 0.0, 10**9)
    assert [turns.take(5.0)[0] for _ in range(3)] == [5.0] * 3


def test_of_two_limits_the_lesser_holds() -> None:
    assert Limits(60, None, 8).and_also(Limits(30, 1000)) == Limits(30, 1000, 8)


# ------------------------------------------------------------ the pace


def test_requests_go_at_equal_distances(clock: JumpingClock) -> None:
    one, sent = pace(clock, requests_per_minute=30), []
    for _ in range(5):
        one.leave(enter(one), "success")
        sent.append(clock.moment)
    assert sent == [0, 2, 4, 6, 8]


def test_tokens_are_waited_for(clock: JumpingClock) -> None:
    one, sent = pace(clock, tokens_per_minute=1000), []
    for _ in range(4):
        ticket = enter(one)
        sent.append(round(clock.moment, 6))
        one.leave(ticket, "success", tokens=500)
    assert sent == [0, 30, 60, 90]


def test_no_more_are_in_flight_than_the_endpoint_bears_whoever_asks(clock: JumpingClock) -> None:
    one = Pace(32, 1800.0, clock, Limits(concurrency=3))
    for _ in range(10):
        one.leave(enter(one), "success")
    assert one.at_once == one.most == 3
    one.begin(2)
    assert one.at_once == one.most == 2
    one.begin(64)
    assert (one.at_once, one.most) == (2, 3)


class PushedBack(JumpingClock):
    """A clock during whose first wait the endpoint pushes back."""

    def __init__(self) -> None:
        super().__init__()
        self.pushes = [lambda: None]

    def wait(self, until: float, stop: threading.Event) -> None:
        super().wait(until, stop)
        if self.pushes:
            self.pushes.pop()()


def test_whoever_waits_for_a_turn_when_the_endpoint_pushes_back_waits_for_another() -> None:
    clock = PushedBack()
    one = pace(clock, requests_per_minute=60)
    first = enter(one)
    clock.pushes = [lambda: one.leave(first, "limit", 10.0)]
    ticket = enter(one)
    assert clock.moment == 11, "the pause that was asked for began at its turn, after 1 s"
    assert ticket.halvings == 1
    one.leave(ticket, "success")
    enter(one)
    assert clock.moment == 12


def test_a_stop_ends_the_wait_for_a_turn() -> None:
    one = Pace(4, 1800.0, None, Limits(requests_per_minute=1))
    one.at_once, stop, found = 4, threading.Event(), []
    enter(one)
    thread = threading.Thread(target=lambda: found.append(one.enter(stop)))
    thread.start()
    thread.join(0.05)
    assert not found
    stop.set()
    thread.join(20)
    assert found == [None]


# ------------------------------------------------------------ in a stage


def config(url: str, limits: dict[str, int] | None, *judges: dict[str, object]) -> RunConfig:
    listed = [{"name": "router", "base_url": url, "key_env": "", "limits": limits}]
    one = {"kind": "openai", "model": "m", "rankings": 1, "retries": 0, "endpoint": "router"}
    section = {"judges": [one | {"label": f"j{i}"} | own for i, own in enumerate(judges or ({},))]}
    return RunConfig.model_validate({"run": {"name": "r"}, "data": {}, "endpoints": listed, "judge": section})


def answers(questions: int) -> Answers:
    asked = tuple(Question(f"1:{i}", 1, "Be kind.", f"Question {i}?") for i in range(questions))
    texts = {(c, q.question_id): c * (n + 1) for n, c in enumerate("abc") for q in asked}
    return Answers(asked, ("a", "b", "c"), texts, Path("base"))


def test_judges_of_one_address_keep_its_limits_together(tmp_path: Path, clock: JumpingClock) -> None:
    sent: list[float] = []

    def respond(body: dict[str, object], number: int) -> Answer:
        sent.append(clock.now())
        return 200, by_length(body)

    with serving(respond) as server:
        alone = {"concurrency": 1}
        settings = config(server.url, {"requests_per_minute": 20}, alone, alone | {"model": "other"})
        judge(make_context("judge", settings, tmp_path), answers(3))
    assert sent == [0, 3, 6, 9, 12, 15]


def test_a_limit_of_an_address_holds_for_a_judge_that_names_the_address_alone() -> None:
    shared = Shared(
        RunConfig.model_validate(
            {
                "run": {"name": "r"},
                "data": {},
                "endpoints": [
                    {"name": "one", "base_url": "https://a.example", "limits": {"concurrency": 3}},
                    {"name": "two", "base_url": "https://a.example", "limits": {"concurrency": 5}},
                    {"name": "default", "limits": {"concurrency": 7}},
                ],
            }
        ),
        {"OPENAI_BASE_URL": "https://b.example"},
    )
    assert shared.pace(Endpoint("https://a.example", "", False), 32, 60.0).most == 3
    assert shared.pace(Endpoint("https://b.example", "", False), 32, 60.0).most == 7
    assert shared.pace(Endpoint("https://c.example", "", False), 32, 60.0).most == 32
    assert shared.pace(Endpoint("https://a.example", "", False, "OTHER_KEY"), 32, 60.0).most == 32, "another account"


def test_the_next_judge_goes_on_from_what_its_endpoint_bore(tmp_path: Path, clock: JumpingClock) -> None:
    """And asks in the shape that another judge of the same model learned; another model's is its own."""

    def respond(body: dict[str, object], number: int) -> Answer:
        return (400, {"error": {"message": "no", "param": "seed"}}) if "seed" in body else (200, by_length(body))

    recorder = MemoryRecorder()
    with serving(respond) as server:
        settings = config(server.url, None, {"concurrency": 4}, {"concurrency": 4}, {"model": "n"})
        judge(make_context("judge", settings, tmp_path, recorder), answers(6))
    assert ["seed" in body for body in server.requests] == [True] + [False] * 12 + [True] + [False] * 6


def test_one_endpoint_is_one_pace_and_one_model_there_one_shape() -> None:
    shared = Shared(config("https://a.example", None), {})
    here, there = (Endpoint(f"https://{name}.example", "", False) for name in "ab")
    assert shared.pace(here, 1, 1.0) is shared.pace(here, 5, 1.0)
    assert shared.pace(here, 1, 1.0) is not shared.pace(there, 1, 1.0)
    first = Dialect()
    shared.learned(here, "m", first).dialect = Dialect(seed=False)
    assert shared.learned(here, "m", first).dialect == Dialect(seed=False)
    assert shared.learned(here, "n", first).dialect == shared.learned(there, "m", first).dialect == first
    assert shared.learned(here, "m", PLAIN).dialect == PLAIN


def test_who_writes_questions_keeps_them_as_well(tmp_path: Path, clock: JumpingClock) -> None:
    rules = parse_constitution("1. Be kind.\n2. Be true.\n3. Be brief.\n")
    with serving(lambda body, n: (200, completion(f'{{"questions": ["How {n}?", "Why {n}?"]}}'))) as server:
        settings = config(server.url, {"requests_per_minute": 6})
        section = GenerateSection(model="w", endpoint="router", per_clause=2)
        generate_questions(make_context("answer", settings, tmp_path), section, rules, 2)
    assert clock.moment == 20, "when the third was due"


TEXT = """[run]
name = "r"
[data]
[[endpoints]]
name = "one"
base_url = "https://a.example"
key_env = ""
{limits}
[answer]
constitution = "c.txt"
[answer.generate]
model = "w"
endpoint = "one"
[[judge.judges]]
kind = "openai"
model = "m"
endpoint = "one"
"""


def test_limits_are_in_no_key_of_a_stage() -> None:
    with_, without = (
        parse_config(TEXT.format(limits=limits)).config
        for limits in ("limits = { requests_per_minute = 60, tokens_per_minute = 90000, concurrency = 8 }", "")
    )
    assert with_.endpoints != without.endpoints
    assert stage_keys(with_) == stage_keys(without)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ("requests_per_minute = 0", "endpoints.0.limits.requests_per_minute"),
        ("concurrency = 2.5", "endpoints.0.limits.concurrency"),
        ("requests = 5", "endpoints.0.limits.requests"),
    ],
)
def test_limits_that_are_none_are_refused(limits: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_config(TEXT.format(limits=f"limits = {{ {limits} }}"))
