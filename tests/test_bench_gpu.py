"""The GPU benchmark at toy size, so that it works on the day when a GPU is at hand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.training.models.optimizers import OPTIMIZERS

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

SCRIPT = Path(__file__).parent / "bench_gpu.py"


def run(*options, **environment):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_row_is_there_and_a_step_is_exact():
    found = run("--tiny", "--seconds", "800")
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    rows = [line for line in found.stdout.splitlines() if line.startswith("| ")]
    assert not [row for row in rows if "failed" in row or "left out" in row]
    speeds = [row.split("|")[3] for row in rows[1:] if "pairs, " not in row and "micro" in row.split("|")[2]]
    assert len(speeds) == 15
    assert all(float(speed) > 0 for speed in speeds)
    errors = [float(e) for row in rows for e in re.findall(r"fp32, micro \d+ .*relative L2 (\S+)", row)]
    assert len(errors) == 5
    assert max(errors) < 5e-6
    displaced = {name: float(p) for name, p in re.findall(r"bf16 weights: (\w+) .*projection (\S+),", found.stdout)}
    assert displaced.keys() == OPTIMIZERS.keys()
    assert displaced.pop("adamw") < 0.1
    assert all(0.95 < projection < 1.05 for projection in displaced.values())
    margins = [float(m) for m in re.findall(r"first margin ([^\s;|]+)", found.stdout)]
    assert len(margins) == 13
    assert max(map(abs, margins)) < 1e-3


def test_rows_that_would_end_too_late_are_left_out():
    found = run("--tiny", "--seconds", "0")
    assert found.returncode == 0
    assert found.stdout.count("left out: no time") == 20


def test_some_rows_alone():
    found = run("--tiny", "--only", "displacement")
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    assert found.stdout.count("displacement of 200,192 bf16 weights") == len(OPTIMIZERS) == found.stdout.count("%")


def test_without_a_gpu_it_says_so():
    found = run()
    assert found.returncode == 1
    assert "torch finds no GPU here" in found.stderr
