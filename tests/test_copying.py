"""`dempo copy`: a whole run in another folder, and the sentence that says when one file is not all of it."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from both_verifiers import checked
from commands import answered, dempo, told
from records import small_record, step
from signing import make_key, needs_ssh_keygen, signed_record

from core.errors import InputError, VerificationFailed
from core.events import OperatorAction
from core.run_folder import RunFolder
from storage.copying import copy_run
from storage.record.lock import take_lock
from storage.record.log import Log
from storage.record.reader import Reader

MORE = "part of this record lies in audit.db-wal just now, so audit.db alone is not all of it: `dempo copy` makes"


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def copied(root: Path, folder: Path, checkpoints: bool = False) -> Path:
    return Path(copy_run(root, folder, checkpoints=checkpoints, told=silent).path)


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A run whose engine was killed: what it recorded last lies in the write-ahead log."""
    root = small_record(tmp_path / "runs")
    with Log.open(RunFolder(root)) as log:
        log.record("train", [step(3)], unit=("full/0002", 1))
        with closing(sqlite3.connect(root / "audit.db")) as reading:
            reading.execute("SELECT * FROM events").fetchall()
            for name in ("audit.db", "audit.db-wal"):
                shutil.copy(root / name, tmp_path / name)
    for name in ("audit.db", "audit.db-wal"):
        shutil.move(tmp_path / name, root / name)
    return root


def test_a_record_of_more_than_one_file_says_so(crashed: Path, tmp_path: Path) -> None:
    check = checked(crashed)["file"]
    assert (check.verdict, MORE in check.detail) == ("ok", True)
    shown = dempo("show", crashed.name, "--runs-dir", crashed.parent)
    assert MORE in shown.stderr
    copy = copied(crashed, tmp_path / "elsewhere")
    assert checked(copy)["file"].detail == "SQLite's integrity check passed"
    assert "audit.db-wal" not in dempo("show", copy).stderr


def test_a_copy_holds_what_lies_in_the_log(crashed: Path, tmp_path: Path) -> None:
    (tmp_path / "by hand" / crashed.name).mkdir(parents=True)
    shutil.copy(crashed / "audit.db", tmp_path / "by hand" / crashed.name)
    by_hand, copy = tmp_path / "by hand" / crashed.name, copied(crashed, tmp_path / "elsewhere")
    assert Reader(by_hand).head() != Reader(crashed).head() == Reader(copy).head()
    assert {check.verdict for check in checked(copy).values()} <= {"ok", "unknown"}


def test_a_copy_is_the_whole_run_under_its_name(trained: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "runs" / trained.name))
    (root / "private" / "raters.csv").chmod(0o600)
    copy = copied(root, tmp_path / "elsewhere")
    assert copy == tmp_path / "elsewhere" / root.name
    assert list((tmp_path / "elsewhere").iterdir()) == [copy]
    left = {path.name for path in root.iterdir()} - {path.name for path in copy.iterdir()}
    assert left - {"audit.db-wal", "audit.db-shm"} == {"checkpoints", "control"}
    assert stat.S_IMODE((copy / "private" / "raters.csv").stat().st_mode) == 0o600
    assert stat.S_IMODE((copy / "private").stat().st_mode) == 0o700
    assert Reader(copy).view("leaderboards") == Reader(root).view("leaderboards")
    with_models = copied(root, tmp_path / "third", checkpoints=True)
    models = [path.relative_to(root) for path in (root / "checkpoints").rglob("*") if path.is_file()]
    assert models
    assert all((with_models / name).read_bytes() == (root / name).read_bytes() for name in models)


def test_the_command_says_what_is_in_the_copy(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    done = dempo("copy", root, "--to", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'elsewhere' / root.name}\n")
    assert "private/ was copied too; it says who the raters are" in done.stderr
    assert "without checkpoints" in done.stderr
    assert "exists; a copy replaces nothing" in told(dempo("copy", root, "--to", tmp_path / "elsewhere"), 2)
    data = answered(dempo("copy", root, "--to", tmp_path / "third", "--json"))
    assert (data["run_id"], data["checkpoints"]) == (root.name, False)


def test_a_target_that_cannot_be_is_refused(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    (tmp_path / "file").write_text("")
    for folder, why in (
        (root.parent, "exists; a copy replaces nothing"),
        (tmp_path / "file", "is no folder"),
        (root / "inside", "lies in the run itself"),
    ):
        with pytest.raises(InputError, match=why):
            copied(root, folder)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "registry.db").write_bytes(b"")
    with pytest.raises(InputError, match="is a folder of runs"):
        copied(root, tmp_path / "others")


@needs_ssh_keygen
def test_a_run_is_copied_while_an_engine_writes(tmp_path: Path) -> None:
    root = signed_record(tmp_path / "runs", make_key(tmp_path))
    stop = threading.Event()

    def write() -> None:
        with Log.open(RunFolder(root)) as log:
            while not stop.is_set():
                log.record("run", [OperatorAction(action="note", detail="x" * 200)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [copied(root, tmp_path / str(number)) for number in range(2)]
    finally:
        stop.set()
        writer.join()
    for copy in copies:
        assert {check.name for check in checked(copy).values() if check.verdict == "failed"} == set()
        seq, digest = Reader(copy).head()
        assert Reader(root).query("SELECT hash FROM events WHERE seq = ?", [seq]) == [{"hash": digest}]


def test_checkpoints_are_not_copied_from_under_an_engine(tmp_path: Path) -> None:
    root = small_record(tmp_path / "runs")
    lock = take_lock(RunFolder(root))
    with pytest.raises(InputError, match="may be writing checkpoints"):
        copied(root, tmp_path / "elsewhere", checkpoints=True)
    assert copied(root, tmp_path / "elsewhere").is_dir()
    assert lock


def test_of_a_copy_that_fails_its_checks_nothing_is_left(trained: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "runs" / trained.name))
    next((root / "artifacts").iterdir()).write_bytes(b"changed")
    with pytest.raises(VerificationFailed, match="fails the check 'artifacts'"):
        copied(root, tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []
