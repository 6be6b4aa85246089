"""A record whose file was changed is told apart from one that is complete, or has nothing to show yet."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sample_run
from commands import answered, dempo
from records import small_record
from test_app import INTERVAL, wait_for

from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.damage import damage_in
from storage.record.log import Log
from storage.record.reader import Reader, summary_of
from storage.record.schema import VIEWS
from tui.app import DempoApp

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run, its file in one piece; tests only copy it."""
    root = sample_run.make_sample_run(tmp_path_factory.mktemp("complete"))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return root


def copied(root: Path, runs: Path) -> Path:
    return Path(shutil.copytree(root, runs / root.name))


def overwrite(root: Path, at: int, body: bytes) -> None:
    with (root / "audit.db").open("r+b") as stream:
        stream.seek(at)
        stream.write(body)


def without_index(root: Path) -> None:
    """Empties the pages of the index of kinds: a search through it finds nothing, and no error."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA writable_schema=ON")
        pages = dict(db.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
        size = db.execute("PRAGMA page_size").fetchone()[0]
    for page in pages.values():
        empty_leaf = bytes([10, 0, 0, 0, 0]) + size.to_bytes(2, "big") + b"\0"
        overwrite(root, (page - 1) * size, empty_leaf + bytes(size - len(empty_leaf)))


def everything(root: Path) -> Any:
    """What the views show; None where one cannot be read."""
    try:
        return [Reader(root).view(name) for name in VIEWS]
    except StorageError:
        return None


def test_a_good_record_is_not_damaged_while_and_after_it_is_written(complete: Path, tmp_path: Path) -> None:
    assert damage_in(complete) == ""
    root = small_record(tmp_path)
    with Log.open(RunFolder(root)):
        assert damage_in(root) == ""
    assert damage_in(root) == ""


def test_whatever_changes_what_is_shown_is_told(complete: Path, tmp_path: Path) -> None:
    shown, size = everything(complete), (complete / "audit.db").stat().st_size
    chance, missed = random.Random(14), []
    for number in range(40):
        root = copied(complete, tmp_path / str(number))
        at, length = chance.randrange(100, size - 64), chance.choice([1, 16, 64])
        overwrite(root, at, chance.randbytes(length))
        if not damage_in(root) and everything(root) != shown:
            missed.append((at, length))
        shutil.rmtree(tmp_path / str(number))
    assert missed == []


def test_an_index_that_finds_nothing_is_damage(complete: Path, tmp_path: Path) -> None:
    """The views do not notice: they say that the run is complete and that no judge was called."""
    root = copied(complete, tmp_path)
    without_index(root)
    assert summary_of(root).status != "unreadable"
    assert Reader(root).view("judge_calls") == []
    assert "its file is broken" in damage_in(root)


def changed(root: Path) -> None:
    """One letter of one payload in the middle of the file."""
    body = (root / "audit.db").read_bytes()
    overwrite(root, body.index(b'"outcome":"ranked"') + 12, b"R")


@pytest.mark.parametrize(("damage", "told"), [(changed, "('judge.called') was changed"), (without_index, "is broken")])
def test_the_commands_say_so(complete: Path, tmp_path: Path, damage: Any, told: str) -> None:
    root = copied(complete, tmp_path)
    damage(root)
    (row,) = answered(dempo("list", "--json", "--runs-dir", tmp_path))["runs"]
    assert row["status"] == "damaged"
    assert told in row["problem"]
    assert told in dempo("list", "--runs-dir", tmp_path).stdout
    shown = dempo("show", root.name, "--runs-dir", tmp_path).stdout
    assert shown.startswith(f"{root.name}: damaged: ")
    assert told in " ".join(shown.split())
    assert answered(dempo("show", root.name, "--json", "--runs-dir", tmp_path))["status"] == "damaged"


@pytest.mark.long
@pytest.mark.parametrize(("damage", "told"), [(changed, "was changed"), (without_index, "is broken")])
async def test_the_app_says_so_in_the_list_and_on_every_tab(
    complete: Path, tmp_path: Path, damage: Any, told: str
) -> None:
    root = copied(complete, tmp_path)
    damage(root)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "✗ damaged", told, absent="✓ completed  ")
        await pilot.press("enter")
        for key in "1567":
            await pilot.press(key)
            text = await wait_for(pilot, "damaged: ", "says more", told)
            assert "✗ damaged" in text.splitlines()[0]


async def test_damage_that_comes_while_the_app_is_open_is_found(complete: Path, tmp_path: Path) -> None:
    root = copied(complete, tmp_path)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "✓ completed")
        changed(root)
        await wait_for(pilot, "✗ damaged")
