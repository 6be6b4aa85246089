"""A run that was killed between its first event and its entry in the registry is entered when it is resumed."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from commands import dempo
from records import step

from core.config_file import parse_config
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.create import complete_creation, create_run
from storage.record.foreign import MARK
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.registry import registration
from storage.verifier.vouching.entries import Registry, read_registry
from storage.verify import Check, verify_all

HERE = Path(__file__).resolve().parent


def killed(runs: Path) -> Path:
    """The folder of a run whose maker died after the first event was acknowledged, before the run was entered."""
    before = set(runs.glob("*/audit.db"))
    maker = subprocess.run(
        [sys.executable, HERE / "fault_writer.py", runs, "--register"],
        env=os.environ | {"DEMPO_FAILPOINT": "after commit"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert maker.returncode == -signal.SIGKILL, maker.stderr
    (made,) = set(runs.glob("*/audit.db")) - before
    return made.parent


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return killed(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def root(cut_off: Path, tmp_path: Path) -> Path:
    """A copy, alone in its folder of runs, of a run whose maker was killed."""
    return shutil.copytree(cut_off.parent, tmp_path, dirs_exist_ok=True) / cut_off.name


def made(runs: Path, name: str) -> Path:
    """A run that was made as it should be, under a name of its own."""
    text = f'[run]\nname = "{name}"\nseed = 5\n[data]\npath = "d"\n'
    return create_run(parse_config(text), text, runs)


def entered_late(root: Path) -> bool:
    with Log.open(RunFolder(root)) as log:
        return complete_creation(log)


def check(root: Path) -> Check:
    return {found.name: found for found in verify_all(root)}["registry"]


def registry(runs: Path) -> Registry:
    found = read_registry(runs)
    assert found is not None
    return found


@pytest.mark.parametrize("others", [0, 1])
def test_a_run_that_was_cut_off_is_entered_once(tmp_path: Path, others: int) -> None:
    earlier = [made(tmp_path, "earlier") for _ in range(others)]
    root = killed(tmp_path)
    assert check(root).verdict == "failed"
    later = made(tmp_path, "later") if others else None
    assert entered_late(root)
    assert not entered_late(root)
    entries = registry(tmp_path).entries
    assert registry(tmp_path).problem == ""
    assert [entry.run_id for entry in entries].count(root.name) == 1
    assert entries[-1].genesis == Reader(root).head()[1]
    for run in (root, *earlier, *([later] if later else [])):
        assert check(run).verdict == "ok"


def test_resume_enters_it_before_anything_else(root: Path, tmp_path: Path) -> None:
    done = dempo("resume", root.name, "--runs-dir", tmp_path)
    assert "was cut off while it was made" in done.stderr
    assert done.returncode == 2, "its configuration names no data, which the engine says"
    assert check(root).verdict == "ok"


def test_a_run_with_more_than_its_first_event_is_never_entered(root: Path) -> None:
    with Log.open(RunFolder(root)) as log:
        log.record("train", [step(1)], unit=("full/0001", 1))
    assert not entered_late(root)
    assert check(root).verdict == "failed"


def test_a_first_event_under_another_name_is_not_entered(tmp_path: Path) -> None:
    root = made(tmp_path, "one")
    copied = Path(shutil.copytree(root, tmp_path / "20250101-000000-two"))
    assert not entered_late(copied)
    assert [entry.run_id for entry in registry(tmp_path).entries] == [root.name]


def test_a_run_that_was_entered_with_another_first_event_is_not_entered_again(root: Path, tmp_path: Path) -> None:
    with registration(tmp_path) as held:
        held.enter(root.name, "0" * 64)
    assert not entered_late(root)
    assert "began otherwise" in check(root).detail


def test_a_registry_whose_chain_is_broken_gets_no_entry(tmp_path: Path) -> None:
    made(tmp_path, "one")
    root = killed(tmp_path)
    with closing(sqlite3.connect(tmp_path / "registry.db")) as db:
        (guard,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_no_update'").fetchone()
        db.execute("DROP TRIGGER entries_no_update")
        db.execute("UPDATE entries SET at = ''")
        db.execute(guard)
        db.commit()
    assert not entered_late(root)
    assert "entry 1 was changed" in check(root).detail


def test_a_folder_without_a_registry_gets_none(root: Path, tmp_path: Path) -> None:
    (tmp_path / "registry.db").unlink()
    assert not entered_late(root)
    assert not (tmp_path / "registry.db").exists()


def test_an_imported_run_is_not_entered(root: Path, tmp_path: Path) -> None:
    (root / MARK).write_text("{}")
    with pytest.raises(StorageError, match="imported"):
        entered_late(root)
    assert registry(tmp_path).entries == ()


def test_a_run_that_is_being_entered_is_not_entered_twice(root: Path, tmp_path: Path) -> None:
    entered = threading.Event()
    found: list[bool] = []

    def late() -> None:
        entered.wait(10)
        found.append(entered_late(root))

    other = threading.Thread(target=late)
    other.start()
    with registration(tmp_path) as held:
        held.enter(root.name, Reader(root).head()[1])
        entered.set()
        other.join(1.0)
        assert other.is_alive(), "it waits for the one that enters"
    other.join(30)
    assert found == [False]
    assert len(registry(tmp_path).entries) == 1
