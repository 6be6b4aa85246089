"""The studies that are shipped for real GPUs, each run from end to end as the tiny twin that its own head describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from commands import answered, dempo
from prism_sized import write_survey

from core.config_file import load_config
from storage.record.reader import Reader
from storage.verify import verify_all
from tui.commands.data.shipped_examples import copy_to, folder

PAPER = ("paper-8b", "paper-8b-published")
MADE_BY_THE_PAPER = {"paper-8b": "step_normalised", "paper-8b-published": "published"}


def twin(name: str, **places: Path) -> list[str]:
    """The command in the head of an example, with its places filled in."""
    head = (folder() / f"{name}.toml").read_text().partition("[run]")[0]
    command = re.search(r"#     dempo (run .*?)\n(?!#       )", head, re.DOTALL)
    assert command is not None, name
    words = shlex.split(command[1].replace("\n#", " "))
    return [place(word, places) for word in words]


def place(word: str, places: dict[str, Path]) -> str:
    for name, path in places.items():
        if word.endswith(f"={name.upper()}"):
            return f"{word.rpartition('=')[0]}={path}"
    return word


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An invented survey of 300 people in PRISM's format."""
    return write_survey(tmp_path_factory.mktemp("people"), size=300, left_out=10)


@pytest.mark.parametrize("name", [*PAPER, "instruct-lora"])
def test_the_population_is_that_of_the_us_example(name: str) -> None:
    ours = load_config(folder() / f"{name}.toml").config
    assert ours.population == load_config(folder() / "prism-us.toml").config.population
    assert (ours.lotteries[0].size, float(ours.lotteries[0].tolerance)) == (145, 0.1)


@pytest.mark.parametrize("name", PAPER)
def test_the_studies_train_as_the_paper_and_its_scripts_did(name: str) -> None:
    config = load_config(folder() / f"{name}.toml").config
    train = config.train
    assert train is not None
    assert (train.model, train.steps, train.batch, train.micro_batch) == ("meta-llama/Llama-3.1-8B", 3538, 32, 4)
    assert (train.learning_rate, train.beta, train.max_length, train.weight_decay) == (5e-6, 0.1, 2048, 0.0)
    assert [condition.source for condition in config.conditions] == [
        "none",
        "all",
        "us_rep",
        "draw:main",
        "lottery:main",
    ]
    assert {c.estimator for c in config.conditions[1:]} == {MADE_BY_THE_PAPER[name]}
    if name == "paper-8b-published":
        assert train.held_out is not None
        assert (train.warmup, train.held_out.share, train.held_out.by) == (0.1, 0.02, "pair")
    else:
        assert (train.order, train.held_out, train.optimizer) == ("with_replacement", None, "adamw_kahan")


@pytest.mark.long
@pytest.mark.parametrize("name", PAPER)
def test_the_tiny_twin_runs_from_end_to_end(
    name: str, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copy_to(tmp_path)
    ran = dempo(*twin(name, folder=people), "--runs-dir", tmp_path / "runs", "--quiet")
    assert ran.returncode == 0, ran.stderr
    (root,) = (tmp_path / "runs").glob(f"*-{name}")
    assert {check.verdict for check in verify_all(root)} <= {"ok", "unknown"}
    steps = Reader(root).query("SELECT condition, count(*) AS n FROM train_steps GROUP BY 1")
    assert {row["condition"]: row["n"] for row in steps} == dict.fromkeys(("full", "us-rep", "hard", "soft"), 6)
    shown = answered(dempo("show", root, "--json"))
    assert {row["condition"] for row in shown["leaderboards"]} == {"base", "full", "us-rep", "hard", "soft"}
    assert bool(shown["heldout"]) == (name == "paper-8b-published")
