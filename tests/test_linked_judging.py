"""A run that judges again what another one answered: its configuration, its link, and what is refused before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.config import resolved
from core.config_file import change, load_judges
from core.errors import InputError
from storage.draws.history import config_of
from storage.judging.linked_judging import judged_again, linked_values
from storage.judging.linked_run import linked_run
from storage.record.create import create_run
from storage.record.reader import Reader
from tui.cli import app

JUDGES = """
[[judge.judges]]
kind = "openai"
model = "other"
endpoint = "there"

[[judge.judges]]
kind = "recorded"
model = "people"
recorded = "people.jsonl"

[[endpoints]]
name = "there"
base_url = "https://api.example.com/v1"
key_env = "THERE_KEY"
"""


def added(folder: Path, text: str = JUDGES) -> Path:
    path = folder / "judges.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_linked_run_has_the_old_ones_answers_questions_and_replies(judged: Path, tmp_path: Path) -> None:
    old = resolved(config_of(Reader(judged)))
    old["judge"]["judges"] += [
        {"kind": "recorded", "model": "jury", "label": "jury", "recorded": "/x/jury.jsonl"},
        {"kind": "planted", "model": "c", "label": "c", "recorded": "/x/before"},
    ]
    values = linked_values(old, judged, ["malformed", "refused"], load_judges(added(tmp_path)))
    assert not {"data", "population", "lotteries", "draws", "train"} & values.keys()
    assert values["run"] == {"name": old["run"]["name"], "seed": old["run"]["seed"]}
    assert values["conditions"] == [
        {"name": condition["name"], "source": f"answers:{judged}"} for condition in old["conditions"]
    ]
    assert values["answer"]["questions"] == str(judged)
    assert values["answer"]["clauses"] == 2
    assert "constitution" not in values["answer"]
    assert values["rank"] == old["rank"]
    asked, jury, citizens, other, people = values["judge"]["judges"]
    assert asked == old["judge"]["judges"][0] | {"recorded": str(judged), "again": ["malformed", "refused"]}
    assert jury == old["judge"]["judges"][1], "rankings of a file stay those of the file"
    assert citizens["recorded"] == str(judged)
    assert "again" not in citizens, "citizens always rank"
    assert (other["model"], other["endpoint"], "recorded" in other) == ("other", "there", False)
    assert people["recorded"] == str(tmp_path / "people.jsonl")
    assert [endpoint["name"] for endpoint in values["endpoints"]] == ["there"]


def test_a_further_judge_cannot_be_the_base_model(judged: Path, tmp_path: Path) -> None:
    path = added(tmp_path, '[[judge.judges]]\nkind = "local"\nmodel = "base"\n')
    with pytest.raises(InputError, match="trains nothing, so it has no base model"):
        linked_values(resolved(config_of(Reader(judged))), judged, [], load_judges(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[judge]\ncoverage = 0.5", "judge.judges is missing"),
        ("[judge]\ncoverage = 0.5\n[[judge.judges]]\nkind = 'planted'\nmodel = 'c'", "coverage is not a known key"),
        ("[train]\nsteps = 3\n[[judge.judges]]\nkind = 'planted'\nmodel = 'c'", "known here: judge, endpoints"),
        ("judges", "is not valid TOML"),
    ],
)
def test_a_wrong_file_of_judges_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        load_judges(added(tmp_path, text))
    assert words in str(error.value)


def test_nothing_is_asked_again_where_nothing_ended_so(judged: Path) -> None:
    with pytest.raises(InputError, match="no judge call of .* was truncated or refused, so there is nothing to ask"):
        judged_again(Reader(judged), ["truncated", "refused"])


def made(judged: Path, runs: Path, name: str, linked_to: Path | None = None) -> Path:
    loaded = change(config_of(Reader(judged)), [f"run.name={name}"])
    return create_run(loaded, "", runs, linked_to)


def test_a_run_names_the_one_that_it_is_linked_to(judged: Path, tmp_path: Path) -> None:
    first = made(judged, tmp_path, "first")
    second = made(judged, tmp_path, "second", first)
    assert linked_run(Reader(first)) is None
    assert linked_run(Reader(second)) == first.name
    shown = run("show", second.name, "--runs-dir", str(tmp_path))
    assert f"  linked to run {first.name}" in shown
    elsewhere = made(judged, tmp_path / "elsewhere", "third", first)
    assert linked_run(Reader(elsewhere)) == f"the one whose first event has the hash {Reader(first).first_hash()[:16]}…"


def run(*words: str, code: int = 0) -> str:
    result: Any = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return str(result.stdout)


def test_judges_that_have_not_begun_are_not_judged_again(judged: Path, tmp_path: Path) -> None:
    root = made(judged, tmp_path, "first")
    head = Reader(root).head()
    for words in (["reparse", root.name], ["add", root.name, str(added(tmp_path))]):
        result = CliRunner().invoke(app, ["judge", *words, "--runs-dir", str(tmp_path)])
        assert isinstance(result.exception, InputError)
        assert "stage 'judge' of " in str(result.exception)
    told = run("judge", "again", root.name, "--outcomes", "malformed, failed", "--runs-dir", str(tmp_path))
    assert "no completed call of" in told
    assert Reader(root).head() == head
    run("judge", "again", root.name, "--outcomes", "ranked", "--runs-dir", str(tmp_path), code=2)
