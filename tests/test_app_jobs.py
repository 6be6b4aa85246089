"""Verify, replay, export, import and delete in the app: child processes, their progress, and what came of them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sample_run
from test_app import INTERVAL, flowing, until, wait_for
from test_registry import make_run, run
from textual.pilot import Pilot
from textual.widgets import Input

from core.run_folder import RunFolder
from storage.record.lock import take_lock
from tui.app import DempoApp
from tui.screens.jobs.ask_removal import names_it
from tui.screens.jobs.job import Job, named
from tui.screens.jobs.job_screen import JobScreen
from tui.screens.jobs.path_suggester import completed
from tui.screens.runs import RunsScreen
from tui.terminal.exit_codes import ended_with

SLOW = """
import sys, time
print('{"step": "slowly", "done": 1, "total": 4}', file=sys.stderr, flush=True)
time.sleep(600)
"""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs that were made and not begun: records that every check passes."""
    folder = tmp_path / "runs"
    make_run(folder, "one")
    make_run(folder, "two")
    return folder


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that never end, in place of those of dempo."""
    (tmp_path / "slow" / "tui").mkdir(parents=True)
    (tmp_path / "slow" / "tui" / "__init__.py").touch()
    (tmp_path / "slow" / "tui" / "__main__.py").write_text(SLOW)
    monkeypatch.setattr("tui.screens.jobs.job.import_path", lambda: str(tmp_path / "slow"))


def job_of(pilot: Pilot[Any]) -> Job:
    screen = pilot.app.screen
    assert isinstance(screen, JobScreen)
    return screen.job


def fill(pilot: Pilot[Any], text: str) -> None:
    """As a paste does: a long path is not typed key by key."""
    line = pilot.app.focused
    assert isinstance(line, Input)
    line.value = text


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def ended(pilot: Pilot[Any], code: int) -> None:
    """Waits until the job that is looked at has ended so, also on a machine with much other work."""
    end = time.monotonic() + 60
    while job_of(pilot).code is None and time.monotonic() < end:
        await asyncio.sleep(0.05)
    assert job_of(pilot).code == code, list(job_of(pilot).said)


async def test_a_verification_shows_each_check_and_what_it_was_asked_with(runs: Path) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("v")
        await ended(pilot, 0)
        text = await wait_for(
            pilot, "✓ completed", "nothing that was checked is wrong", "✓ ok", "--explain", "Esc Back"
        )
        assert f"$ dempo verify {run(runs, 'two').name} --runs-dir" in text
        assert len(job_of(pilot).steps) == len(job_of(pilot).answer["checks"])
        await pilot.press("k")
        await wait_for(pilot, "there is nothing to cancel")
        await pilot.press("escape")
        await wait_for(pilot, "2 runs")


@pytest.mark.long
async def test_a_damaged_record_is_told_with_the_failed_check_first(runs: Path) -> None:
    with closing(sqlite3.connect(run(runs, "two") / "audit.db")) as db:
        db.execute("DROP TRIGGER IF EXISTS events_no_update")
        db.execute("UPDATE events SET at = '2020-01-01T00:00:00.000000Z'")
        db.commit()
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "two")
        await pilot.press("v")
        await ended(pilot, 4)
        await wait_for(pilot, "✗ failed", "(exit code 4)", "check '")
        screen = pilot.app.screen
        assert isinstance(screen, JobScreen)
        assert screen._outcome.rows[0][1][0].plain == "✗ failed"
        assert screen._rows.cursor_row == 0


@pytest.mark.long
async def test_a_bundle_goes_out_and_comes_in_and_the_cursor_is_on_its_run(runs: Path, tmp_path: Path) -> None:
    other, bundle = tmp_path / "other", tmp_path / "a [b] bundle.zip"
    newer = make_run(other, "here")
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("e")
        await wait_for(pilot, "withhold")
        fill(pilot, str(bundle.parent))
        await pilot.press("enter")
        await until(pilot, lambda: "is a folder; name a file" in flowing(pilot.app))
        fill(pilot, str(bundle))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobScreen))
        await ended(pilot, 0)
        await wait_for(pilot, "SHA-256", "included")
    assert bundle.is_file()
    gone_to = run(runs, "two").name
    async with DempoApp(other, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("i")
        await wait_for(pilot, "Import a bundle")
        await pilot.press("enter")
        await wait_for(pilot, "give the path of a bundle")
        fill(pilot, str(tmp_path / "a [b] nothing.zip"))
        await pilot.press("enter")
        await wait_for(pilot, "no file ")
        fill(pilot, str(bundle))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobScreen))
        await ended(pilot, 0)
        await wait_for(pilot, "is here now")
        await pilot.press("escape")
        await wait_for(pilot, "imported")
        screen = pilot.app.screen
        assert isinstance(screen, RunsScreen)
        await until(pilot, lambda: screen._runs.chosen == gone_to)
    assert newer.is_dir()


async def test_nothing_is_written_over_or_where_nothing_can_be(runs: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.zip"
    there.write_text("mine")
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("e")
        await wait_for(pilot, "withhold")
        fill(pilot, str(there))
        await pilot.press("enter")
        await until(pilot, lambda: "there.zip exists" in flowing(pilot.app))
        fill(pilot, str(tmp_path / "no" / "x.zip"))
        await pilot.press("enter")
        await until(pilot, lambda: "not exist; make it" in flowing(pilot.app))
    assert there.read_text() == "mine"


async def test_a_run_is_deleted_by_its_id_and_by_nothing_else(runs: Path) -> None:
    kept, root = run(runs, "one"), run(runs, "two")
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("D")
        await wait_for(pilot, "for good", "MiB")
        fill(pilot, kept.name)
        await pilot.press("enter")
        await wait_for(pilot, "is not the id of this run")
        await pilot.press("ctrl+u", *"two", "tab", *"a trial", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobScreen))
        await ended(pilot, 0)
        await wait_for(pilot, "the run is removed", "entry 3 of registry.db")
        assert "--yes --reason 'a trial'" in flowing(pilot.app)
        await pilot.press("escape")
        await wait_for(pilot, "1 run")
    assert kept.is_dir()
    assert not root.exists()


async def test_a_run_with_an_engine_is_not_deleted(runs: Path) -> None:
    root = run(runs, "two")
    held = take_lock(RunFolder(root))
    try:
        async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
            await wait_for(pilot, "running")
            await pilot.press("D")
            await until(pilot, lambda: "an engine works on" in flowing(pilot.app))
            fill(pilot, root.name)
            await pilot.press("enter")
            await pilot.pause()
            assert not isinstance(pilot.app.screen, JobScreen)
    finally:
        os.close(held)
    assert root.is_dir()


@pytest.mark.long
@pytest.mark.usefixtures("slow")
async def test_a_job_goes_on_behind_the_list_and_can_be_cancelled(runs: Path) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("v")
        await wait_for(pilot, "● running", "25 %  slowly")
        job = job_of(pilot)
        await pilot.press("escape")
        await wait_for(pilot, "2 runs")
        await pilot.press("v")
        await wait_for(pilot, "slowly")
        assert job_of(pilot) is job
        await pilot.press("k")
        await wait_for(pilot, "Cancel this verify?", "It writes nothing")
        await pilot.press("n", "escape")
        await wait_for(pilot, "2 runs")
        app = pilot.app
        assert isinstance(app, DempoApp)
        app.jobs.cancel(job)
        await wait_for(pilot, "cancelled", "v shows it")
        await pilot.press("v")
        await wait_for(pilot, "■ stopped", "cancelled")
        await pilot.press("escape")
        await wait_for(pilot, "2 runs")
        await pilot.press("v")  # it was seen: another one
        await wait_for(pilot, "slowly")
        assert job_of(pilot) is not job
        await pilot.press("k")
        await wait_for(pilot, "Cancel this verify?")
        await pilot.press("y")
        await wait_for(pilot, "■ stopped", "cancelled")


@pytest.mark.long
@pytest.mark.usefixtures("slow")
async def test_the_app_takes_its_jobs_along_and_asks_where_they_write(runs: Path, tmp_path: Path) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("e")
        await wait_for(pilot, "withhold")
        fill(pilot, str(tmp_path / "x.zip"))
        await pilot.press("enter")
        await wait_for(pilot, "slowly")
        process = job_of(pilot)._process
        assert process is not None
        await pilot.press("q")
        await wait_for(pilot, "Close the app and end this?")
        await pilot.press("n")
        await wait_for(pilot, "slowly")
        assert not gone(process.pid)
        await pilot.press("q")
        await wait_for(pilot, "Close the app")
        await pilot.press("y")
    assert gone(process.pid)


@pytest.mark.usefixtures("slow")
async def test_nothing_is_left_where_the_app_just_ends(runs: Path) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "created")
        await pilot.press("v")
        await wait_for(pilot, "slowly")
        process = job_of(pilot)._process
    assert process is not None
    assert gone(process.pid)


@pytest.mark.long
async def test_a_replay_grades_each_stage(tmp_path: Path) -> None:
    sample_run.make_sample_run(tmp_path)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview")
        await pilot.press("R")
        await wait_for(pilot, "lottery", "dempo[train]")
        await pilot.press("down", "down", "down", "down")
        await wait_for(pilot, "--stage lottery")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobScreen))
        await ended(pilot, 4)
        await wait_for(pilot, "✗ drift", "lottery", "re-solve", "(exit code 4)", "units: recorded 2, now 4")


def test_an_id_is_typed_whole_or_by_its_end_alone() -> None:
    name, others = "20260101-000000-demo", ["20260102-000000-demo", "20260101-000000-other"]
    assert names_it(name, name, others)
    assert names_it("1-000000-demo", name, others)
    assert not names_it("demo", name, others)
    assert not names_it("", name, [])
    assert not names_it("mo", name, [])


def test_a_run_is_never_taken_for_an_option(tmp_path: Path) -> None:
    assert named(tmp_path / "20260101-000000-demo", tmp_path) == "20260101-000000-demo"
    assert named(tmp_path / "--help", tmp_path) == str(tmp_path / "--help")


def test_a_path_is_completed_with_folders_and_bundles(tmp_path: Path) -> None:
    for name in ("run-b.zip", "run-a.txt", "run-\x1b[31m.zip"):
        (tmp_path / name).touch()
    (tmp_path / "runs").mkdir()
    assert completed(f"{tmp_path}/run-", ".zip") == f"{tmp_path}/run-b.zip"
    assert completed(f"{tmp_path}/runs", ".zip") == f"{tmp_path}/runs/"
    assert completed(f"{tmp_path}/none", ".zip") is None
    assert completed(f"{tmp_path}/no/folder", ".zip") is None


def test_an_exit_code_is_said_in_words() -> None:
    assert ended_with(4) == "the record is not what it should be (exit code 4)"
    assert ended_with(130).startswith("SIGINT ended it")
    assert ended_with(-9).startswith("SIGKILL ended it")
    assert "of its own" in ended_with(77)
