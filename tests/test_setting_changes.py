"""`dempo resume --set`: settings of how a run is worked on change, and the record says which, from what, into what."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from chat_server import completion, serving, shown
from commands import answered, dempo, told
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.config_file import parse_config
from storage.check import Check
from storage.draws.history import config_of, genesis_of
from storage.record.create import create_run
from storage.record.reader import Reader
from storage.setting_changes import changed_by, changes_of, settings_after
from storage.verify import verify

PRICE = '{ input = 1, output = 10, cached_input = "0.5" }'


def reply(body: dict[str, Any], number: int) -> tuple[int, Any]:
    """12 tokens of prompt, 4 of them from a cache, and 7 of reply: 0.00008 by the price."""
    found = completion(json.dumps({"ranking": list(shown(body))}))
    details = {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}}
    return 200, found | {"usage": {"prompt_tokens": 12, "completion_tokens": 7, **details}}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A run that stopped at its budget and went on with a larger one, and what was said on the way."""
    folder = tmp_path_factory.mktemp("changed")
    with pytest.MonkeyPatch.context() as patch, serving(reply) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        one = f'{{kind="openai", model="m", rankings=3, max_tokens=50, base_url="{server.url}", price={PRICE}}}'
        root = small_demo(folder, [*TINY, f"judge.judges=[{one}]", "judge.budget=0.002"])
        resume = ("resume", root, "--quiet")
        said = {
            "budget": told(dempo(*resume), 5),
            "model": told(dempo(*resume, "--set", "judge.judges.0.model=other"), 2),
            "detached model": told(dempo(*resume, "--set", "judge.judges.0.model=other", "--detach"), 2),
            "wrong": told(dempo(*resume, "--set", "judge.budget=much"), 2),
            "before": Reader(root).head()[0],
        }
        more = ("--set", "judge.budget=40", "--set", "judge.judges.0.concurrency=2", "--set", "judge.coverage=0.5")
        assert dempo(*resume, *more, "--set", "judge.judges.0.price.output=20").returncode == 0
        said["nothing left"] = told(dempo(*resume, "--set", "judge.budget=50"), 2)
        said["detached"] = told(dempo(*resume, "--set", "judge.budget=50", "--detach"), 2)
        yield {"root": root, **said}


def test_the_budget_is_said_with_the_command_that_raises_it(changed: dict[str, Any]) -> None:
    assert "stopped at the budget: 0." in changed["budget"]
    assert f"`dempo resume {changed['root'].name} --set judge.budget=…`" in changed["budget"]


def test_what_a_run_is_does_not_change(changed: dict[str, Any]) -> None:
    assert "judge.judges.0.model is part of what run" in changed["model"]
    assert f"`dempo clone {changed['root'].name} --set judge.judges.0.model=…`" in changed["model"]
    assert "What may change here: answer.generate.concurrency, " in changed["model"]
    assert "judge.judges.0.model is part of what run" in changed["detached model"]
    assert "--set: judge.budget: " in changed["wrong"]
    assert "nothing left to do; the record is unchanged, and so are the settings" in changed["nothing left"]
    assert "nothing is left to do" in changed["detached"]
    kinds = [row["kind"] for row in Reader(changed["root"]).view("events")]
    assert kinds.count("settings.changed") == 1
    assert kinds.index("settings.changed") == changed["before"] + 2, "after the engine began and before it went on"


def test_the_record_says_what_was_changed_and_holds(changed: dict[str, Any]) -> None:
    assert {check.name: check.detail for check in verify(changed["root"]) if check.verdict == "failed"} == {}
    assert verdict(changed["root"], "stages").verdict == "ok"
    assert "; they cost 0.0036 of a budget of 40.00" in verdict(changed["root"], "judge calls").detail
    (row,) = [row for row in Reader(changed["root"]).view("operator_actions") if row["action"] == "set"]
    assert row["detail"] == (
        "judge.budget = 40, before: 0.002; judge.coverage = 0.5, before: 0.95; "
        "judge.judges.0.concurrency = 2, before: 8; judge.judges.0.price.output = 20, before: 10"
    )


def test_the_configuration_of_a_run_is_the_changed_one(changed: dict[str, Any]) -> None:
    reader = Reader(changed["root"])
    found = config_of(reader).judge
    assert found is not None
    assert (found.budget, found.judges[0].concurrency, found.coverage) == (Decimal(40), 2, 0.5)
    (row,) = reader.view("run")
    assert json.loads(row["config"])["judge"]["budget"] == "40"
    assert json.loads(row["config"])["judge"]["judges"][0]["price"] == {
        "input": "1",
        "output": "20",
        "cached_input": "0.5",
    }
    assert Reader(changed["root"], changed["before"]).view("run")[0]["config"] != row["config"], "as it was then"


def test_costs_are_shown_by_judge(changed: dict[str, Any]) -> None:
    """By hand: 24 calls of (12 − 4)·1 + 4·0.5 + 7·20 millionths."""
    found = answered(dempo("show", changed["root"], "--json"))["judging"]
    (row,) = found["judges"]
    assert (row["calls"], row["prompt_tokens"], row["cached_tokens"], row["reasoning_tokens"]) == (24, 288, 96, 48)
    assert (row["cost"], found["cost"], found["budget"]) == ("0.0036", "0.0036", "40")
    (seen,) = Reader(changed["root"]).view("judge_costs")
    assert seen["cost"] == pytest.approx(0.0036, rel=1e-12)
    text = dempo("show", changed["root"]).stdout
    assert "Endpoints: calls, tokens and cost" in text
    assert "0.0036 of a budget of 40.00 by judges" in text


def verdict(root: Path, name: str) -> Check:
    return next(check for check in verify(root) if check.name == name)


def altered(**values: Any) -> Callable[[list[Row]], list[Row]]:
    """Another first change."""

    def change(rows: list[Row]) -> list[Row]:
        listed = next(row for row in rows if row.kind == "settings.changed").payload["changes"]
        listed[0] = {key: value for key, value in (listed[0] | values).items() if value is not None}
        return rows

    return change


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"key": "judge.judges.0.model", "old": "m"}, "part of what the run is"),
        ({"old": "0.003"}, "before it was changed"),
        ({"new": "0.002"}, "into what it was"),
        ({"new": True}, "none that this program resolves"),
        ({"key": "judge.judges.7.timeout", "old": None}, "has no place for"),
        ({"key": "judge.budget.more", "old": None}, "has no place for"),
    ],
)
def test_a_change_that_nobody_can_make_is_found(
    changed: dict[str, Any], tmp_path: Path, values: dict[str, Any], detail: str
) -> None:
    found = verdict(forged(changed["root"], tmp_path, altered(**values)), "stages")
    assert found.verdict == "failed"
    assert detail in found.detail


def test_more_cached_than_prompt_tokens_are_found(changed: dict[str, Any], tmp_path: Path) -> None:
    def change(rows: list[Row]) -> list[Row]:
        next(row for row in rows if row.kind == "judge.called").payload["cached_tokens"] = 13
        return rows

    found = verdict(forged(changed["root"], tmp_path, change), "values")
    assert (found.verdict, "cached_tokens is 13, which is more than the whole" in found.detail) == ("failed", True)


def test_a_change_that_changes_nothing_is_not_recorded(changed: dict[str, Any]) -> None:

    reader = Reader(changed["root"])
    recorded = settings_after(genesis_of(reader), changes_of(reader))
    config = config_of(reader)
    assert changed_by(config, recorded, ["judge.budget=40"], "run")[1] is None


@pytest.mark.long
def test_questions_that_a_model_wrote_have_a_line_of_their_own(tmp_path: Path) -> None:
    """By hand: two clauses of 100 and 7 tokens by 1 and 10 are 0.00034."""

    def write(body: dict[str, Any], number: int) -> tuple[int, Any]:
        listed = [f"Question {number} {i}?" for i in range(4)]
        usage = {"prompt_tokens": 100, "completion_tokens": 7}
        return 200, completion(json.dumps({"questions": listed})) | {"usage": usage}

    with pytest.MonkeyPatch.context() as patch, serving(write) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        generate = f'answer.generate={{model="w", base_url="{server.url}", per_clause=4, price={PRICE}}}'
        root = small_demo(tmp_path, TINY)
        values = config_of(Reader(root)).model_dump(mode="json", exclude_none=True)
        del values["answer"]["questions"]
        text = json_as_toml(values)
        root = create_run(parse_config(text, [generate]), text, tmp_path / "runs")
        assert dempo("resume", root, "--quiet", "--until", "answer").returncode == 0
    found = answered(dempo("show", root, "--json"))["judging"]
    assert (found["written"]["judge"], found["written"]["cost"], found["judges"]) == ("questions by w", "0.00034", [])
    assert "questions by w" in dempo("show", root).stdout


def json_as_toml(values: dict[str, Any]) -> str:
    """The top level of a configuration as inline tables."""
    return "\n".join(f"{key} = {inline(value)}" for key, value in values.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)
