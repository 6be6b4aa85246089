"""What judging costs: prices, tokens, a budget that stops between calls, and which settings may change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, by_length, serving
from memory_recorder import MemoryRecorder, make_context
from pydantic import ValidationError
from test_openai_judge import answers, by_id, config

from core.config import RunConfig, resolved
from core.errors import JudgeError
from core.evaluation.endpoints.usage import counted
from core.evaluation.stage import judge
from core.facts.judging.costs import CallTokens, Price, cost_of, money, price_of
from core.facts.settings import with_changes
from core.facts.stages import OPERATIONAL, is_operational

PRICE = {"input": "1", "output": "10"}
"""The server counts 11 tokens of prompt and 7 of reply: a call costs 0.000081."""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS", "OPENAI_ORG_ID", "DEMPO_KEY_HOSTS", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def with_budget(url: str, budget: str, **one: Any) -> RunConfig:
    """One judge with a budget."""
    values = config(url, **({"price": PRICE, "max_tokens": 100} | one)).model_dump(exclude_none=True)
    values["judge"]["budget"] = budget
    return RunConfig.model_validate(values)


# ------------------------------------------------------------ prices


def test_what_tokens_cost_is_exact() -> None:
    price = Price(Decimal("0.1"), Decimal("0.3"), Decimal("0.01"))
    assert cost_of(price, CallTokens(1_000_000, 250_000, 3)) == Decimal("0.0775009")
    assert cost_of(price, CallTokens(2**53 - 1, 0, 0)) == Decimal("900719925.4740991")


@pytest.mark.parametrize(
    ("judge", "endpoint", "found"),
    [
        ({"price": PRICE}, {"price": {"input": "5", "output": "5"}}, Price(Decimal(1), Decimal(10), Decimal(1))),
        (
            {},
            {"price": {"input": "5", "output": "6", "cached_input": "0.5"}},
            Price(Decimal(5), Decimal(6), Decimal("0.5")),
        ),
        ({}, {}, None),
    ],
)
def test_the_price_of_a_judge_wins_over_that_of_its_endpoint(
    judge: dict[str, Any], endpoint: dict[str, Any], found: Price | None
) -> None:
    whole = {"endpoints": [{"name": "e", **endpoint}]}
    assert price_of({"endpoint": "e", **judge}, whole) == found


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("0", "0.00"),
        ("12.3", "12.30"),
        ("1234.5", "1,234.50"),
        ("0.00123", "0.0012"),
        ("1e999999", "1.00e+999999"),
        ("nan", "NaN"),
    ],
)
def test_small_amounts_are_not_told_as_nothing(amount: str, told: str) -> None:
    assert money(Decimal(amount)) == told


@pytest.mark.parametrize("price", [{"input": -1, "output": 1}, {"input": 1}, {"input": "nan", "output": 1}])
def test_a_price_that_is_none_is_refused(price: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config("http://localhost:1/v1", price=price)


def test_a_judge_without_an_endpoint_has_no_price() -> None:
    with pytest.raises(ValidationError, match=r"is asked at no endpoint; remove price"):
        config(None, kind="local", model="base", price=PRICE)


# ------------------------------------------------------------ tokens


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        (None, (None, None, None, None)),
        ({"prompt_tokens": 9, "completion_tokens": 4}, (9, 4, None, None)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            (9, 4, 8, 3),
        ),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 5, "prompt_tokens_details": None}, (9, None, 5, None)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 10}}, (9, None, None, None)),
        ({"prompt_tokens": True, "completion_tokens": -1, "completion_tokens_details": []}, (None, None, None, None)),
    ],
)
def test_tokens_are_read_wherever_a_server_says_them(usage: Any, found: tuple[int | None, ...]) -> None:
    assert tuple(counted(usage)) == found


def test_cached_and_reasoning_tokens_are_recorded(tmp_path: Path) -> None:
    def respond(body: dict[str, Any], number: int) -> Answer:
        reply = by_length(body)
        reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 4}
        reply["usage"]["completion_tokens_details"] = {"reasoning_tokens": 2}
        return 200, reply

    recorder = MemoryRecorder()
    with serving(respond) as server:
        judge(make_context("judge", config(server.url), tmp_path, recorder), answers(1))
    call = by_id(recorder)["m#0/1:0"]
    assert (call.cached_tokens, call.reasoning_tokens) == (4, 2)


# ------------------------------------------------------------ budget


def test_a_budget_stops_the_stage_before_the_call_that_could_exceed_it(tmp_path: Path) -> None:
    """A call can cost 0.001 for its reply and some for its prompt, and costs 0.000081."""
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, by_length(body))) as server:
        chosen = with_budget(server.url, "0.002", concurrency=4)
        told = r"^stopped at the budget: 0\.\d+ of 0\.002 spent on \d+ of 40 calls"
        with pytest.raises(JudgeError, match=told) as end:
            judge(make_context("judge", chosen, tmp_path, recorder), answers(20))
        made = len(by_id(recorder))
        assert len(server.requests) == made, "every call that was made is recorded"
        assert 0 < made < 24, "24 calls cost 0.00194"
        assert f"spent on {made} of 40" in str(end.value)
        assert "--set judge.budget=…" in str(end.value)
        with pytest.raises(JudgeError, match=rf"spent on {made} of 40 calls"):
            judge(make_context("judge", chosen, tmp_path, recorder), answers(20))
        assert len(server.requests) == made, "what was spent before an interruption is spent"
        judge(make_context("judge", with_budget(server.url, "1", concurrency=4), tmp_path, recorder), answers(20))
    assert len(server.requests) == len(by_id(recorder)) == 40


def test_calls_that_nobody_counts_are_taken_for_the_most_they_can_be(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with serving(lambda body, n: (200, by_length(body) | {"usage": None})) as server:
        chosen = with_budget(server.url, "0.005")
        with pytest.raises(JudgeError, match=r"\(\d+ calls of them without counted tokens, taken for the most"):
            judge(make_context("judge", chosen, tmp_path, recorder), answers(20))
    assert 2 <= len(server.requests) <= 4, "0.001 for a reply of 100 tokens, and some for the prompt"


def test_a_budget_in_which_no_call_has_room_asks_nothing(tmp_path: Path) -> None:
    with (
        serving(lambda body, n: (200, by_length(body))) as server,
        pytest.raises(JudgeError, match=r"0\.00 of 0\.001 spent on 0 of 4 calls"),
    ):
        judge(make_context("judge", with_budget(server.url, "0.001"), tmp_path, MemoryRecorder()), answers(2))
    assert server.requests == []


def test_a_judge_that_costs_nothing_needs_no_room(tmp_path: Path) -> None:
    free = {"input": 0, "output": 0}
    with serving(lambda body, n: (200, by_length(body))) as server:
        judge(make_context("judge", with_budget(server.url, "0", price=free), tmp_path, MemoryRecorder()), answers(2))
    assert len(server.requests) == 4


def test_a_budget_without_a_price_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"judge\.budget is 5, but judge 'm' has no price"):
        with_budget("http://localhost:1/v1", "5", price=None)


# ------------------------------------------------------------ settings that may change


@pytest.mark.parametrize("pattern", OPERATIONAL)
def test_operational_settings_are_settings(pattern: str) -> None:
    """A name that nobody has would be in no key by mistake."""
    place: Any = RunConfig.model_json_schema()
    known = place["$defs"]
    for part in pattern.split("."):
        place = place["items"] if part == "*" else place["properties"][part]
        options = place.get("anyOf", [place])
        place = next((option for option in options if "$ref" in option), options[0])
        place = known[place["$ref"].rpartition("/")[2]] if "$ref" in place else place
        if "items" in place and "$ref" in place["items"]:
            place = {"items": known[place["items"]["$ref"].rpartition("/")[2]]}


@pytest.mark.parametrize(
    ("key", "may"),
    [
        ("judge.budget", True),
        ("judge.judges.12.price.input", True),
        ("endpoints.0.price", True),
        ("judge.judges.0.model", False),
        ("judge.judges", False),
        ("judge.judges.x.price", False),
        ("judge", False),
        ("judge.budgets", False),
    ],
)
def test_which_settings_may_change(key: str, may: bool) -> None:
    assert is_operational(key) is may


def test_changes_leave_the_configuration_before_them_as_it_was() -> None:
    given = {"judge": {"judges": [{"label": "m", "retries": 4}]}}
    listed = [{"key": "judge.judges.0.retries", "old": 4}, {"key": "judge.judges.0.price.input", "new": "1"}]
    assert with_changes(given, listed) == {"judge": {"judges": [{"label": "m", "price": {"input": "1"}}]}}
    assert given == {"judge": {"judges": [{"label": "m", "retries": 4}]}}


def test_resolved_configurations_without_money_are_as_they_were() -> None:
    assert "budget" not in resolved(config("http://localhost:1/v1"))["judge"]
