"""A folder of runs in which some are somebody else's, or no runs at all: the others are listed and checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from records import small_record
from strangers import as_a_stranger

from core.config_file import parse_config
from core.run_folder import RunFolder
from storage.errors import NotFound, StorageError
from storage.record.create import create_run
from storage.record.reader import Reader, find_run, list_runs
from storage.record.run_folders import require_record, run_folders

CHECKOUT = Path(__file__).parent.parent


def dempo(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command of somebody who may not read everything."""
    return subprocess.run(
        [*as_a_stranger(), sys.executable, "-m", "tui", *map(str, arguments)],
        cwd=CHECKOUT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def close(root: Path) -> None:
    (root / "audit.db").write_bytes(b"")
    root.chmod(0)


def close_inside(root: Path) -> None:
    (root / "audit.db").write_bytes(b"")
    root.chmod(0o444)


def close_file(root: Path) -> None:
    (root / "audit.db").write_bytes(b"")
    (root / "audit.db").chmod(0)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "closed": (close, "Permission denied"),
    "closed-inside": (close_inside, "Permission denied"),
    "closed-file": (close_file, "Permission denied"),
    "folder": (lambda root: (root / "audit.db").mkdir(), "this is a folder, and no record of a run"),
    "link": (lambda root: (root / "audit.db").symlink_to("nowhere"), "this is a link that leads nowhere"),
    "loop": (lambda root: (root / "audit.db").symlink_to("audit.db"), "symbolic links"),
    "pipe": (lambda root: os.mkfifo(root / "audit.db"), "this is a pipe, and no record of a run"),
}
"""What may stand where a run is looked for, and what is said of it."""


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """One run that can be read, and one folder of each kind that cannot."""
    small_record(tmp_path, "20260101-000000-mine")
    for name, (make, _) in ODD.items():
        root = tmp_path / f"20260102-000000-{name}"
        root.mkdir()
        make(root)
    (tmp_path / "worlds").mkdir()
    (tmp_path / ".importing-x").mkdir(mode=0)
    yield tmp_path
    for path in tmp_path.iterdir():
        path.chmod(0o755)


def test_a_run_that_cannot_be_read_is_a_line_of_the_list(runs: Path) -> None:
    result = dempo("list", "--json", "--runs-dir", runs)
    assert result.returncode == 0, result.stderr
    rows: dict[str, Any] = {row["folder"]: row for row in json.loads(result.stdout)["runs"]}
    assert list(rows) == sorted(rows, reverse=True)
    assert rows.pop("20260101-000000-mine")["status"] == "created"
    assert set(rows) == {f"20260102-000000-{name}" for name in ODD}
    assert {row["status"] for row in rows.values()} == {"unreadable"}
    for name, (_, told) in ODD.items():
        assert told in rows[f"20260102-000000-{name}"]["problem"]
    text = dempo("list", "--runs-dir", runs).stdout
    assert text.count("unreadable") == len(ODD)
    assert "Permission denied" in text


@pytest.mark.parametrize(
    "command",
    ["verify", "show", *(pytest.param(name, marks=pytest.mark.long) for name in ("head", "replay", "doctor"))],
)
def test_the_other_runs_are_none_the_worse_for_it(runs: Path, command: str) -> None:
    result = dempo(command, *([] if command == "doctor" else ["20260101"]), "--runs-dir", runs)
    assert "Permission denied" not in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == 0 or "check" in result.stderr, result.stderr


def test_a_command_on_such_a_run_is_a_sentence(runs: Path) -> None:
    for command in ("show", "verify"):
        result = dempo(command, "20260102-000000-closed", "--runs-dir", runs)
        assert (result.returncode, result.stderr.count("\n")) == (1, 1)
        assert "20260102-000000-closed/audit.db: Permission denied" in result.stderr


def test_verification_says_which_of_the_other_runs_are_closed(tmp_path: Path) -> None:
    text = '[run]\nname = "{}"\nseed = 5\n[data]\npath = "d"\n'
    mine, theirs = (create_run(parse_config(text.format(name)), "", tmp_path) for name in ("mine", "theirs"))
    theirs.chmod(0)
    try:
        result = dempo("verify", mine, "--json", "--runs-dir", tmp_path)
    finally:
        theirs.chmod(0o755)
    (row,) = [row for row in json.loads(result.stdout)["checks"] if row["name"] == "registry"]
    assert row["verdict"] == "unknown"
    assert f"of 2 runs made here, these cannot be looked into (1): '{theirs.name}'" in row["detail"]


def test_a_folder_of_runs_that_is_closed_is_a_sentence_and_not_empty(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    small_record(runs)
    script = (
        "import sys, pathlib; from tui.commands.runs.run_list import RunList; "
        "print(RunList(pathlib.Path(sys.argv[1])).read().problem)"
    )
    runs.chmod(0)
    try:
        command = [*as_a_stranger(), sys.executable, "-c", script, str(runs)]
        read = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        listed = dempo("list", "--runs-dir", runs)
    finally:
        runs.chmod(0o755)
    assert read.stdout == f"{runs}: Permission denied\n"
    assert listed.returncode == 2
    assert "readable" in listed.stderr


def test_a_folder_of_runs_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert run_folders(tmp_path / "none") == []
    with pytest.raises(StorageError, match="Not a directory"):
        run_folders(small_record(tmp_path) / "audit.db")


@pytest.mark.parametrize("name", ["folder", "link", "loop", "pipe"])
def test_what_is_no_file_is_never_opened(runs: Path, name: str) -> None:
    root = runs / f"20260102-000000-{name}"
    with pytest.raises(StorageError, match=ODD[name][1]):
        require_record(RunFolder(root))
    with pytest.raises(StorageError, match=ODD[name][1]):
        Reader(find_run(root.name, runs))
    with pytest.raises(NotFound, match="holds no run"):
        Reader(runs / "worlds")


def test_a_folder_that_vanishes_or_closes_meanwhile_is_a_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look into the folder and the reading, as between any two calls to the system."""
    small_record(tmp_path)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Reader, "summary", denied)
    (summary,) = list_runs(tmp_path)
    assert summary.status == "unreadable"
    assert "Permission denied" in summary.detail
