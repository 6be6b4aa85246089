"""A run that was cut off before its first event: it is listed, every command says what to do, and one removes it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from commands import answered, dempo, told
from records import CONFIG, TEXT, genesis, small_record

from core.data.pseudonyms import PLANTED
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.beginnings import never_begun
from storage.record.create import create_run
from storage.record.log import Log
from storage.record.reader import list_runs
from storage.record.schema import OBJECTS
from storage.verify import verify_all

NAME = "20260102-000000-half"


def folders(root: Path) -> None:
    RunFolder(root).create()
    RunFolder(root).lock.write_text("77\n")


def nothing_in_it(root: Path) -> None:
    folders(root)
    (root / "audit.db").touch()


def switched(root: Path) -> None:
    """The database as it is before its tables are made."""
    folders(root)
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")


def rolling_back(root: Path) -> None:
    """Killed while the database was switched to a write-ahead log: a journal is left that no reader may roll back."""
    folders(root)
    with closing(sqlite3.connect(root / "making.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("PRAGMA cache_spill=1")
        db.execute("PRAGMA cache_size=1")
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES (zeroblob(200000))")
        for made, left in (("making.db-journal", "audit.db-journal"), ("making.db", "audit.db")):
            shutil.copy(root / made, root / left)
        db.execute("ROLLBACK")
    (root / "making.db").unlink()


def tables_alone(root: Path) -> None:
    folders(root)
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for statement in OBJECTS.values():
            db.execute(statement)


BEGINNINGS: list[Callable[[Path], object]] = [
    lambda root: None,
    folders,
    nothing_in_it,
    switched,
    tables_alone,
]


@pytest.mark.parametrize("make", BEGINNINGS)
def test_it_is_listed_told_and_removed(tmp_path: Path, make: Callable[[Path], object]) -> None:
    other = create_run(CONFIG, TEXT, tmp_path)
    root = tmp_path / NAME
    root.mkdir()
    make(root)
    rows = {row["folder"]: row for row in answered(dempo("list", "--json", "--runs-dir", tmp_path))["runs"]}
    assert rows[NAME]["status"] == "not begun"
    assert f"`dempo remove {NAME}` removes {root}" in rows[NAME]["problem"]
    for command in ("resume", "show", "verify", "head", "clone", "export"):
        assert "was cut off before its first event" in told(dempo(command, NAME, "--runs-dir", tmp_path), 1)
    assert "removed" in told(dempo("remove", NAME, "--runs-dir", tmp_path), 0)
    assert not root.exists()
    assert [run.root for run in list_runs(tmp_path)] == [other]
    registry = {check.name: check for check in verify_all(other)}["registry"]
    assert registry.verdict == "ok"


def test_a_journal_that_is_left_is_no_obstacle(tmp_path: Path) -> None:
    root = tmp_path / NAME
    root.mkdir()
    rolling_back(root)
    readonly = pytest.raises(sqlite3.OperationalError, match="readonly")
    with closing(sqlite3.connect(f"{(root / 'audit.db').as_uri()}?mode=ro", uri=True)) as db, readonly:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    assert never_begun(root)


def test_a_run_with_an_event_is_not_removed_unasked(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    assert "something is recorded in" in told(dempo("remove", root.name, "--runs-dir", tmp_path), 2)
    with closing(sqlite3.connect(root / "audit.db")) as db:  # the first event of a run that was killed just then
        assert db.execute("SELECT count(*) FROM events").fetchone() != (0,)
    assert root.is_dir()


def test_what_is_left_of_a_run_that_the_registry_names_is_not_removed(tmp_path: Path) -> None:
    root = create_run(CONFIG, TEXT, tmp_path)
    shutil.rmtree(root)
    root.mkdir()
    assert "registry.db names" in told(dempo("remove", root.name, "--runs-dir", tmp_path), 1)
    assert root.is_dir()


@pytest.mark.parametrize("kept", ["config.toml", "heads", "notes.txt", "checkpoints/base", "private/raters.csv"])
def test_a_folder_that_holds_anything_else_is_not_taken_for_one(tmp_path: Path, kept: str) -> None:
    """An emptied record is no run that was not begun."""
    root = tmp_path / NAME
    nothing_in_it(root)
    (root / kept).mkdir()
    assert not never_begun(root)


def test_a_run_that_is_being_made_is_not_removed(tmp_path: Path) -> None:
    root = tmp_path / NAME
    folders(root)
    with RunFolder(root).lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "is being made by another process" in told(dempo("remove", NAME, "--runs-dir", tmp_path), 1)
    assert root.is_dir()


def test_events_in_a_log_that_was_not_merged_are_events(tmp_path: Path) -> None:
    root = tmp_path / NAME
    log = Log.create(RunFolder(root), genesis(NAME), PLANTED)
    shutil.copytree(root, tmp_path / "copies" / NAME)
    log.close()
    assert not never_begun(tmp_path / "copies" / NAME)


# ------------------------------------------------------------ what cannot be made leaves nothing


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def none(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    earlier = create_run(CONFIG, TEXT, tmp_path / "runs")
    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(StorageError, match=r"engine\.lock: this file system gives no locks .*local disk.*NFS"):
        Log.create(RunFolder(tmp_path / "runs" / NAME), genesis(NAME), PLANTED)
    assert [run.root for run in list_runs(tmp_path / "runs")] == [earlier]
    assert not (tmp_path / "runs" / NAME).exists()
    with pytest.raises(StorageError, match="gives no locks"):
        Log.open(RunFolder(earlier))
    assert json.loads(dempo("list", "--json", "--runs-dir", tmp_path / "runs").stdout)["runs"][0]["status"] == "created"


def test_a_database_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(Log, "record", full)
    with pytest.raises(StorageError, match="the disk is full"):
        create_run(CONFIG, TEXT, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"private", "registry.db"}


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / NAME
    root.mkdir()
    (root / "mine").touch()
    with pytest.raises(StorageError, match="File exists"):
        Log.create(RunFolder(root), genesis(NAME), PLANTED)
    assert (root / "mine").exists()
