"""Prompts of one's own: what a file says is recorded and part of the key; the file is never read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, completion, serving, shown
from rewritten import Row, forged
from verified_runs import TINY, small_demo

from core.asking.prompt_files import LONGEST_TEMPLATE, read_template
from core.config import RunConfig, resolved
from core.config_file import change, load_config, parse_config
from core.errors import InputError
from core.facts.judging.prompts import TEMPLATES, spelled
from core.pipeline import stage_keys
from storage.check import Check
from storage.record.reader import Reader
from storage.verifier.checks import checks_of
from storage.verifier.ground.reading import read_record
from storage.verifier.writer_facts import tree_facts
from tui.commands.data.shipped_examples import folder
from tui.commands.runs.process import work
from tui.terminal.console import Console


def message(content: str, role: str = "user", **more: str) -> str:
    """A message as the file has it."""
    listed = {"role": role, "content": content, **more}
    return "[[messages]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in listed.items())


OWN = message('{case}\n\nWhich is kindest? Reply {"ranking": [all of {labels}, best first]}')
CONFIG = """
[run]
name = "x"
[data]
[judge]
[[judge.judges]]
kind = "openai"
model = "m"
prompt = "own.toml"
"""


@pytest.mark.parametrize(
    ("name", "kind", "who"),
    [("judge", "openai", "judge"), ("local-judge", "local", "judge"), ("writer", "writer", "writer")],
)
def test_the_files_that_are_shipped_say_what_is_asked_without_one(name: str, kind: str, who: str) -> None:
    assert read_template(folder() / "prompts" / f"{name}.toml", who) == spelled(TEMPLATES[kind])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("messages = ", "is not valid TOML"),
        ("", "holds nothing; it holds [[messages]]"),
        ("rule = 1\n" + message("{case} {labels}"), "it holds [[messages]] and nothing else"),
        ("messages = []", "give a list of messages"),
        (message("{case} {labels}", name="x"), "and nothing else"),
        (message("{case} {labels}", role="tool"), "a `role` (system, user or assistant)"),
        (message("{case} {labels}") + message(" "), "give a list of messages"),
        (message("{case} {labels}") + message("Well?", role="assistant"), "the last message has to be the user's"),
        (message("{case} {labels}") + message("Be fair.", role="system") + message("?"), "only the first"),
        (message("{case} {lables}"), "{lables} is no place here"),
        (message("{case}"), "it has {labels} 0 times; it needs it once"),
        (message("{case} {labels} {case}"), "it has {case} 2 times"),
        (message("{case} {labels} {lables}"), "{lables} is no place here (places: {case}, {labels})"),
        (message("{case} {labels} {count}"), "{count} is no place here"),
        (message("{case}", role="system") + message("{labels}"), "{case} stands in a message of the user"),
        (message("{case} {labels}" + "x" * LONGEST_TEMPLATE), "it is longer than 50,000 characters"),
    ],
)
def test_a_file_that_cannot_be_asked_by_is_refused_before_a_run_is_made(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text)
    (tmp_path / "run.toml").write_text(CONFIG)
    with pytest.raises(InputError) as refused:
        load_config(tmp_path / "run.toml")
    assert told in str(refused.value)
    assert str(tmp_path / "own.toml") in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(CONFIG)
    with pytest.raises(InputError, match="cannot read the prompt .*own.toml: No such file"):
        load_config(tmp_path / "run.toml")
    (tmp_path / "own.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="own.toml is not UTF-8 text"):
        load_config(tmp_path / "run.toml")


def test_a_planted_judge_has_no_use_for_one(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "run.toml").write_text(CONFIG.replace("openai", "planted"))
    with pytest.raises(InputError, match="a planted judge is not asked in words; remove prompt"):
        load_config(tmp_path / "run.toml")


def test_the_key_goes_by_what_the_file_says_not_by_where_it_lies(tmp_path: Path) -> None:
    keys = []
    for name, text in (("a", OWN), ("b", OWN), ("c", OWN.replace("kindest", "best"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.toml").write_text(text)
        (tmp_path / name / "run.toml").write_text(CONFIG.replace("own.toml", f"{name}.toml"))
        keys.append(stage_keys(load_config(tmp_path / name / "run.toml").config)["judge"])
    without = stage_keys(parse_config(CONFIG.replace('prompt = "own.toml"', "")).config)["judge"]
    assert keys[0] == keys[1]
    assert len({*keys, without}) == 3


def template(config: RunConfig) -> str:
    text = resolved(config)["judge"]["judges"][0]["template"]
    assert isinstance(text, str)
    return text


def test_a_clone_keeps_the_words_unless_it_is_given_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "run.toml").write_text(CONFIG)
    config = load_config(tmp_path / "run.toml").config
    (tmp_path / "own.toml").write_text(OWN.replace("kindest", "best"))
    assert template(change(config, ["run.seed=3"]).config) == template(config)
    again = change(config, [f"judge.judges.0.prompt={tmp_path / 'own.toml'}"]).config
    assert "Which is best?" in template(again)


# ------------------------------------------------------------ a run


def respond(body: dict[str, Any], number: int) -> Answer:
    """The shown order, where it was asked by the words of the file."""
    if len(body["messages"]) != 1 or "Which is kindest?" not in body["messages"][0]["content"]:
        return 400, {"error": {"message": "asked in other words"}}
    return 200, completion(json.dumps({"ranking": list(shown(body))}))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that went on after the file that its judge is asked by was changed."""
    place = tmp_path_factory.mktemp("asked")
    (place / "own.toml").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch, serving(respond) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        one = f'{{kind="openai", model="m", rankings=1, base_url="{server.url}", prompt="{place / "own.toml"}"}}'
        root = small_demo(place, [*TINY, f"judge.judges=[{one}]"])
        assert work(root, "answer", Console(quiet=True)) == 0
        (place / "own.toml").write_text("changed")
        assert work(root, None, Console(quiet=True)) == 0
    return root


def replies(root: Path) -> Check:
    checks = {check.name: check for check in checks_of(read_record(root / "audit.db", tree_facts()))}
    return checks["replies"]


def test_a_resume_asks_by_the_recorded_words_and_verification_says_so(asked: Path) -> None:
    found = replies(asked)
    assert found.verdict == "ok", found.detail
    assert "8 prompts by a prompt template that is not the shipped one" in found.detail


def test_the_record_shows_the_words_and_no_folder(asked: Path) -> None:
    (row,) = Reader(asked).query("SELECT payload FROM events WHERE kind = 'run.created'")
    judge = json.loads(row["payload"])["config"]["judge"]["judges"][0]
    assert judge["prompt"] == "own.toml"
    assert "Which is kindest?" in judge["template"]


def test_calls_by_other_words_than_the_configurations_are_found(asked: Path, tmp_path: Path) -> None:
    def alter(rows: list[Row]) -> list[Row]:
        judge = rows[0].payload["config"]["judge"]["judges"][0]
        judge["template"] = judge["template"].replace("kindest", "best")
        return rows

    found = replies(forged(asked, tmp_path, alter))
    assert found.verdict == "failed"
    assert "the template of its prompt is not the one of the configuration" in found.detail
