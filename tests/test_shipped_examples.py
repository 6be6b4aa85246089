"""The examples: listed and copied by a command, and run from any folder."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from commands import answered, dempo

from core.config_file import load_config
from core.errors import InputError
from core.evaluation.constitution import read_constitution
from core.evaluation.questions import read_questions, require_all_clauses
from core.preflight import preflight
from tui.commands.data.shipped_examples import copy_to, examples, folder

CHECKOUT = Path(__file__).parent.parent
NAMES = [
    "assembly",
    "demo",
    "instruct-lora",
    "judge_answers",
    "paper-8b-published",
    "paper-8b",
    "prism-small",
    "prism-us",
]


def test_every_example_says_in_its_first_line_what_it_is() -> None:
    assert [example.path.stem for example in examples()] == NAMES
    assert all(len(example.about) > 20 for example in examples())


def test_a_wheel_holds_every_file_of_the_examples() -> None:
    """Package data are named by patterns: a file that none of them finds would be missing for all who install."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-dir"]["tui.examples"] == "examples"
    assert "tui.examples" in settings["packages"]
    shipped = {path for pattern in settings["package-data"]["tui.examples"] for path in folder().glob(pattern)}
    tracked = subprocess.run(["git", "ls-files", "examples"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("no git here, so nothing says which files belong to the examples")
    assert shipped >= {CHECKOUT / name for name in tracked.stdout.splitlines()}


@pytest.mark.long
def test_copies_run_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the files are relative to them, so an organiser can begin with a copy anywhere."""
    monkeypatch.chdir(tmp_path)
    listed = answered(dempo("examples", "--to", "mine", "--json"))["examples"]
    assert [row["name"] for row in listed] == NAMES
    assert [row["path"] for row in listed] == [f"mine/{name}.toml" for name in NAMES]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ran = dempo("run", "../mine/assembly.toml", "--until", "draw", "--quiet", "--runs-dir", tmp_path / "runs")
    assert ran.returncode == 0, ran.stderr
    monkeypatch.chdir(tmp_path)
    for name in ("mine/people.csv", "none.csv"):
        wrong = dempo("feasible", "mine/assembly.toml", "--set", f"data.respondents={name}")
        assert f"data.respondents: cannot read {tmp_path / name}: No such file" in wrong.stderr


def test_a_copy_that_was_changed_is_never_overwritten(tmp_path: Path) -> None:
    copy_to(tmp_path)
    copy_to(tmp_path)
    changed = tmp_path / "assembly" / "people.csv"
    changed.write_text("mine")
    (tmp_path / "prism-us.toml").unlink()
    with pytest.raises(InputError, match=r"people\.csv exists and is no copy of the example; name another folder"):
        copy_to(tmp_path)
    assert changed.read_text() == "mine"
    assert not (tmp_path / "prism-us.toml").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot copy the examples to .*file: "):
        copy_to(tmp_path / "file")


def test_the_small_example_has_its_own_constitution_and_questions(tmp_path: Path) -> None:
    config = load_config(folder() / "prism-small.toml").config
    assert config.answer is not None
    assert config.answer.questions is not None
    constitution = read_constitution(config.answer.constitution)
    questions = read_questions(config.answer.questions, constitution, config.answer.per_clause)
    require_all_clauses(questions, constitution, config.answer.questions)
    assert len(questions) == 30


def test_all_missing_files_are_told_at_once(tmp_path: Path) -> None:
    """One at a time, somebody who has none of them starts the command four times."""
    (tmp_path / "c.toml").write_text((folder() / "prism-small.toml").read_text())
    with pytest.raises(InputError) as caught:
        preflight(load_config(tmp_path / "c.toml").config)
    assert str(caught.value).split("\n  ")[:4] == [
        "3 files or folders that the configuration names are not there:",
        f"data.path: {tmp_path}/prism",
        f"answer.constitution: {tmp_path}/prism-small/constitution.txt",
        f"answer.questions: {tmp_path}/prism-small/questions",
    ]
    with pytest.raises(InputError) as caught:
        preflight(load_config(tmp_path / "c.toml", ["train.model=./none"]).config)
    lines = str(caught.value).split("\n  ")
    assert lines[:2] == [
        "2 things are wrong with this configuration:",
        "3 files or folders that the configuration names are not there:",
    ]
    assert "there is no folder './none'" in lines[-1]
    with pytest.raises(InputError, match=r"^data\.path: .*/prism does not exist; it should be a folder that holds"):
        preflight(load_config(tmp_path / "c.toml").config, "pool")
