"""The list of runs in the app: what its rows and the panel beneath them say, and that looking costs nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_run
from test_app import INTERVAL, flowing, shown, until, wait_for
from test_app_bursts import burst

from core.events import EngineStopped, StageCompleted, StagePlanned, StageStarted, UnitCompleted
from core.program.machine import Devices, Machine
from core.run_folder import RunFolder
from storage.check import Check
from storage.record.log import Log
from storage.record.verified import note_verification, recorded_head
from tui.app import DempoApp
from tui.screens.runs import RunsScreen
from tui.screens.runs_list.run_table import RunTable
from tui.widgets.lists.long_list import Order
from tui.widgets.words import Words

GIB = 1024**3


@pytest.fixture(autouse=True)
def spare(monkeypatch: pytest.MonkeyPatch) -> list[Machine]:
    """What the machine says; a test may put something else there."""
    said = [Machine(41 * GIB, 9 * GIB, Devices(1, 0.63, 12 * GIB, 80 * GIB))]
    monkeypatch.setattr("core.program.machine.machine_now", lambda runs: said[-1])
    return said


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    made = sample_run.make_sample_run(tmp_path)
    return made.rename(tmp_path / "20260101-000000-done")  # else two that are made in one second have one name


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Log]:
    """A run whose engine trains the base model."""
    root = sample_run.make_sample_run(tmp_path, stop_before="model")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [sample_run.started(resumed=True)])
        log.record("model", [StageStarted(name="model", key="0" * 64, version=1, replay="re-run")])
        log.record("model", [StagePlanned(name="model", units=1)])
        yield log


async def test_a_row_of_a_narrow_list_says_how_far_who_leads_and_what_proves_it(complete: Path, live: Log) -> None:
    note_verification(complete, recorded_head(complete), [Check("file", "ok", "")] * 42)
    live.progress("model", 80, 100, "training the tokenizer")
    app = DempoApp(complete.parent, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        text = await wait_for(pilot, "2 runs, 1 running", "disk 41 G  GPU 60 % 12/80 G  RAM 9 G", "✓ 42 now")
        at_work, done = text.splitlines()[2:4]
        for wanted in ("● running", "◇", " model ", "━━━·  80 %", "–", "·"):
            assert wanted in at_work
        for wanted in ("✓ completed", "◇", " 1 s ", "soft ≈ +1", "✓ 42 now"):
            assert wanted in done
        assert app.screen.query_one(RunTable).virtual_size.width <= 80
        assert "model: training the tokenizer" in text
        assert f"$ dempo watch {live.folder.root.name}" in flowing(app)
        await pilot.press("down")
        text = await wait_for(pilot, "SIMULATED", "42 ok", "seed 7 · k = 4, 6 of 12 · 4 conditions · 6 questions")
        assert "soft is ahead by Borda with 2.210 [1.930 to 2.500]" in flowing(app)
        assert "verified within the last hour: 42 ok" in text
        assert f"$ dempo show {complete.name}" in text
        live.record("model", [UnitCompleted(seconds=1.0)], unit=("base", 1))
        await wait_for(pilot, "━━━━ 100 %")


async def test_the_overview_counts_the_unit_under_way_and_says_nothing_of_a_stage_that_is_over(live: Log) -> None:
    live.progress("model", 8, 10, "training the tokenizer")
    async with DempoApp(live.folder.root.parent, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "● running", "80 %")
        await pilot.press("enter")
        await wait_for(pilot, "0/1  ━━━━━━━━━╸··", "model 80 % training the tokenizer")
        live.record("model", [UnitCompleted(seconds=1.0)], unit=("base", 1))
        live.record("model", [StageCompleted(name="model", key="0" * 64, seconds=1.0)])
        await wait_for(pilot, "1/1  ━━━━━━━━━━━━", absent="training the tokenizer")


async def test_a_verification_is_told_as_soon_as_its_note_lies_there(complete: Path) -> None:
    async with DempoApp(complete.parent, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "soft ≈ hard", "· never", "never verified here")
        note_verification(complete, recorded_head(complete), [Check("chain", "failed", "", 7)])
        await wait_for(pilot, "✗ chain", "1 failed; chain failed first at event 7")
        note_verification(complete, recorded_head(complete), [Check("file", "ok", ""), Check("plan", "unchecked", "")])
        await wait_for(pilot, "? 1 · now", "1 ok, 1 unchecked")
        with Log.open(RunFolder(complete)) as log:
            log.record("run", [sample_run.started(resumed=True)])
            log.record("run", [EngineStopped(outcome="completed", reason="done", exit_code=0)])
        await wait_for(pilot, "? 1+ · now", "events were recorded since")


async def test_runs_are_found_filtered_and_sorted_by_what_is_meant(complete: Path, live: Log) -> None:
    older = complete.parent / "20200101-000000-older"
    shutil.copytree(complete, older)
    app = DempoApp(complete.parent, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "3 runs, 1 running", "soft ≈ +1")
        table = app.screen.query_one(RunTable)
        burst(pilot, "slash", *"2020", "enter")
        await until(pilot, lambda: table.chosen == older.name)
        burst(pilot, "home")
        burst(pilot, "f", *"runn", "enter")
        await wait_for(pilot, "3 runs, 1 running, 1 listed, only runn")
        assert table.keys == [live.folder.root.name]
        burst(pilot, "f", *["backspace"] * 4, "enter")
        await until(pilot, lambda: len(table.keys) == 3)
        table.sort_by(Order("time", descending=True))
        assert table.keys[-1] == live.folder.root.name, "nobody can say how long it takes"
        table.sort_by(Order("progress"))
        assert table.keys[0] == live.folder.root.name
        await wait_for(pilot, "3 runs, 1 running, by progress ↑")


async def test_the_names_make_room_for_longer_states_and_stages(complete: Path) -> None:
    closed = complete.parent / "20260102-000000-closed"
    closed.mkdir()
    (closed / "audit.db").write_bytes(b"no database")
    weighed = sample_run.make_sample_run(complete.parent, stop_before="model")
    app = DempoApp(complete.parent, INTERVAL)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await wait_for(pilot, "? unreadable", "conditi…", "soft ≈ +1")
        assert app.screen.query_one(RunTable).virtual_size.width <= 80, text
        await pilot.resize_terminal(150, 40)
        await wait_for(pilot, "conditions", f"◇{weighed.name}", "4, 6           4")


async def test_where_the_disk_is_nearly_full_the_title_warns(complete: Path, spare: list[Machine]) -> None:
    async with DempoApp(complete.parent, 0.02).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "disk 41 G")
        spare.append(Machine(GIB // 2, None, None))
        text = await wait_for(pilot, "! disk low: 0.5 G")
        assert "GPU" not in text


async def test_nothing_is_painted_while_nothing_changes(
    complete: Path, spare: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = DempoApp(complete.parent, 0.02)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "soft ≈ +1", "never verified", "disk 41 G")
        painted: list[str] = []
        monkeypatch.setattr(Words, "update", lambda self, *_: painted.append(str(self.id)))
        monkeypatch.setattr(RunTable, "refresh", lambda self, *_, **__: painted.append("list") or self)
        seen = len(spare)
        spare.append(Machine(int(41.3 * GIB), int(9.2 * GIB), Devices(1, 0.61, 12 * GIB, 80 * GIB)))
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        before = screen._ticks
        await until(pilot, lambda: screen._ticks > before + 12 and len(spare) > seen)
        assert painted == []
        assert "disk 41 G" in shown(app)
