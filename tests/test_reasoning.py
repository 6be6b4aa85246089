"""Reasons before the ranking where they are asked for, and what an endpoint sends as reasoning beside a reply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import NEEDS_MORE
from chat_server import Answer, completion, serving, shown
from verified_runs import TINY, small_demo

from core.config import resolved
from core.config_file import parse_config
from core.evaluation.endpoints.messages import reasoning_of, text_of
from core.evaluation.prompts import ranking_schema
from core.facts.judging.prompts import TEMPLATES
from core.facts.judging.replies import parse_ranking
from core.facts.judging.requests import judging_parameters
from core.pipeline import stage_keys
from core.sections.who_judges import JudgeModel
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from tui.commands.runs.process import work
from tui.terminal.console import Console

CONFIG = '[run]\nname = "x"\n[data]\n[judge]\n[[judge.judges]]\nkind = "openai"\nmodel = "m"\n'


def test_reasons_come_before_the_ranking_in_words_and_in_the_schema() -> None:
    schema = ranking_schema("AB", reasoning=True)
    assert list(schema["properties"]) == schema["required"] == ["reasoning", "ranking"]
    assert list(ranking_schema("AB")["properties"]) == ["ranking"]
    asked = TEMPLATES["reasoned"][-1]["content"]
    assert asked.index('"reasoning"') < asked.index('"ranking"')


def test_a_reply_with_reasons_is_read_by_the_same_rules() -> None:
    said = {"reasoning": 'C says {"ranking": ["C", "B", "A"]}, which is no reason.', "ranking": ["B", "A", "C"]}
    assert parse_ranking(json.dumps(said), "ABC") == ("B", "A", "C")


def test_judges_of_before_keep_keys_and_requests() -> None:
    without, off, on = (parse_config(CONFIG + more).config for more in ("", "reasoning = false", "reasoning = true"))
    assert stage_keys(without) == stage_keys(off) != stage_keys(on)
    assert resolved(without) == resolved(off)
    assert judging_parameters(0, "m", 0, "1:0", 0.0, 9) == judging_parameters(0, "m", 0, "1:0", 0.0, 9, reasoning=None)
    with pytest.raises(ValueError, match="is asked at no endpoint; remove reasoning"):
        JudgeModel(kind="local", model="base", reasoning=True)


@pytest.mark.parametrize(
    ("message", "text", "thought"),
    [
        ({"content": "B > A"}, "B > A", ""),
        ({"content": "B > A", "reasoning_content": "Hm."}, "B > A", "Hm."),
        ({"content": "B > A", "reasoning": "Hm."}, "B > A", "Hm."),
        ({"content": [{"thinking": [{"text": "Hm."}]}, {"text": "B > A"}]}, "B > A", "Hm."),
        ({"content": None, "reasoning_content": "B > A"}, "B > A", ""),
        ({"content": "B > A", "reasoning_content": 3, "reasoning": None}, "B > A", ""),
        ({}, "", ""),
    ],
)
def test_reasoning_is_kept_beside_what_was_said_aloud(message: dict[str, Any], text: str, thought: str) -> None:
    assert text_of(message, cut_off=False) == text
    assert reasoning_of(message) == thought


@pytest.fixture(scope="module")
def reasoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose judge gives reasons, and thinks beside them on every other call."""

    def respond(body: dict[str, Any], number: int) -> Answer:
        said = json.dumps({"reasoning": "I read them all.", "ranking": sorted(shown(body))})
        status, whole = 200, completion(said)
        if number % 2:
            whole["choices"][0]["message"]["reasoning_content"] = f"Thought {number}."
        return status, whole

    with pytest.MonkeyPatch.context() as patch, serving(respond) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        one = f'{{kind="openai", model="m", rankings=1, base_url="{server.url}", reasoning=true}}'
        root = small_demo(tmp_path_factory.mktemp("reasoned"), [*TINY, f"judge.judges=[{one}]"])
        assert work(root, None, Console(quiet=True)) == 0
        assert all("reasons" in request["messages"][-1]["content"] for request in server.requests)
    return root


def test_a_run_with_reasons_verifies_and_holds_the_thoughts(reasoned: Path) -> None:
    checks = {check.name: check for check in checks_of(read_record(reasoned / "audit.db", tree_facts()))}
    assert {check.verdict for name, check in checks.items() if name not in NEEDS_MORE} == {"ok"}
    assert "that is not the shipped one" not in checks["replies"].detail
    events = Reader(reasoned).query("SELECT payload FROM events WHERE kind = 'judge.called'")
    calls = [json.loads(row["payload"]) for row in events]
    assert sum("reasoning" in call for call in calls) == 4
    (body,) = Reader(reasoned).query(
        "SELECT CAST(body AS TEXT) AS said FROM blobs WHERE sha256 = ?",
        [next(call["reasoning"]["sha256"] for call in calls if "reasoning" in call)],
    )
    assert body["said"].startswith("Thought ")
