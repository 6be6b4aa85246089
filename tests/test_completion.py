"""Completion in the shell: run ids where a run is asked for, from the folder that the command line names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from strangers import as_a_stranger

ROOT = Path(__file__).resolve().parent.parent
DEMPO = "import sys; sys.argv = ['dempo', *sys.argv[1:]]; from dempo import main; main()"


def ran(*words: str, cwd: Path, before: Sequence[str] = (), **variables: str) -> str:
    done = subprocess.run(
        [*before, sys.executable, "-P", "-c", DEMPO, *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "SHELL": "/bin/bash"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def completed(line: str, cwd: Path, before: Sequence[str] = (), **variables: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    place = str(len(line.split(" ")) - 1)
    asked = {"_DEMPO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": place}
    return ran(cwd=cwd, before=before, **asked, **variables).split()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs and something else in `runs`, one more elsewhere."""
    for name in ("runs/20260101-000000-one", "runs/20260102-000000-two", "elsewhere/20250101-000000-old"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "audit.db").touch()
    (tmp_path / "runs" / "20260103-notes").mkdir()
    return tmp_path


def test_run_ids_complete_newest_first(runs: Path) -> None:
    assert completed("dempo show 2026", runs) == ["20260102-000000-two", "20260101-000000-one"]
    assert completed("dempo verify 20260101", runs) == ["20260101-000000-one"]
    assert completed("dempo draw list ", runs) == ["20260102-000000-two", "20260101-000000-one"]


def test_they_come_from_the_folder_that_is_named(runs: Path) -> None:
    old = ["20250101-000000-old"]
    assert completed("dempo show --runs-dir elsewhere 2", runs) == old
    assert completed("dempo --runs-dir elsewhere show 2", runs) == old
    assert completed("dempo show 2", runs, DEMPO_RUNS="elsewhere") == old
    assert completed("dempo show --runs-dir nowhere 2", runs) == []


def test_the_command_line_wins_over_the_environment(runs: Path) -> None:
    old = ["20250101-000000-old"]
    assert completed("dempo --runs-dir elsewhere show 2", runs, DEMPO_RUNS="runs") == old
    assert completed("dempo show --runs-dir elsewhere 2", runs, DEMPO_RUNS="runs") == old


def test_a_folder_of_somebody_else_hides_no_run(runs: Path) -> None:
    closed = runs / "elsewhere" / "20250102-000000-theirs"
    closed.mkdir(mode=0)
    try:
        found = completed("dempo show --runs-dir elsewhere 2", runs, before=as_a_stranger())
    finally:
        closed.chmod(0o755)
    assert "20250101-000000-old" in found


def test_commands_complete(runs: Path) -> None:
    assert "resume" in completed("dempo re", runs)


def test_the_script_for_a_shell_is_shown(runs: Path) -> None:
    """It is that of the shell which asks; there need be none among those that started the tests."""
    asking = ["bash", "-c", '"$@"; exit', "bash"]
    assert "_DEMPO_COMPLETE=complete_bash" in ran("--show-completion", cwd=runs, before=asking)
