"""Keys that arrive in one burst, as from a macro or a slow connection: each acts on what those before it chose."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sample_run
from test_app import INTERVAL, shown, until, wait_for
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from core.run_folder import RunFolder
from tui.app import DempoApp
from tui.commands.runs import engine
from tui.screens.run import PANES, RunScreen
from tui.screens.runs_list.run_table import RunTable
from tui.widgets.lists.long_list import LongList


def burst(pilot: Pilot[Any], *keys: str) -> None:
    """All keys are there before the first of them is looked at: `Pilot.press` waits after each one."""
    for key in keys:
        single = len(key) == 1
        pilot.app.post_message(events.Key(_character_to_key(key) if single else key, key if single else None))


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three runs that can be resumed, in the order of the list."""
    first = sample_run.make_sample_run(tmp_path, stop_before="train")
    others = [tmp_path / f"2000010{day}-000000-other" for day in (2, 1)]
    for other in others:
        shutil.copytree(first, other)
    return [first, *others]


async def test_enter_opens_the_run_that_the_keys_before_it_went_to(three: list[Path]) -> None:
    app = DempoApp(three[0].parent, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "3 runs")
        burst(pilot, "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert isinstance(app.screen, RunScreen)
        assert app.screen.root == three[1]
        await wait_for(pilot, "1 Overview", "recorded")
        burst(pilot, "escape", "down", "enter", "up")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.root == three[2])


async def test_a_click_opens_the_run_that_was_clicked(three: list[Path]) -> None:
    """The message says which row it was; the cursor may be elsewhere when it arrives."""
    app = DempoApp(three[0].parent, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "3 runs")
        listed = app.screen.query_one(RunTable)
        listed.post_message(LongList.Clicked(listed, three[1].name))
        listed.go_to(2)
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert isinstance(app.screen, RunScreen)
        assert app.screen.root == three[1]


async def test_stop_and_resume_act_on_the_run_that_the_keys_before_them_went_to(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.record.log import Log

    resumed: list[Path] = []
    monkeypatch.setattr(engine, "resume", lambda root: resumed.append(root))
    with Log.open(RunFolder(three[2])) as log:
        log.record("run", [sample_run.started(resumed=True)])
        async with DempoApp(three[0].parent, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
            await wait_for(pilot, "3 runs", "● running")
            burst(pilot, "down", "r", "up")
            await wait_for(pilot, "engine started")
            assert resumed == [three[1]]
            burst(pilot, "down", "down", "s", "y")
            await until(pilot, RunFolder(three[2]).stop_request.exists)
        assert not any(RunFolder(root).stop_request.exists() for root in three[:2])


async def test_a_dialog_gets_the_letters_that_were_typed_behind_its_key(three: list[Path]) -> None:
    app = DempoApp(three[0].parent, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "3 runs")
        await pilot.press("enter")
        burst(pilot, "7", "g", "2", "1", "enter")
        await wait_for(pilot, "event 21  ")
        burst(pilot, "f", "p", "o", "o", "l", "enter")
        await wait_for(pilot, "only pool")
        burst(pilot, "g", "4", "backspace", "5")
        await until(pilot, lambda: bool(app.screen.query("#answer")) and app.screen.query_one(Input).value == "5")
        assert "Go to event" in shown(app)
        burst(pilot, "6", "7", "backspace", "8", "home", "9")
        await until(pilot, lambda: app.screen.query_one(Input).value == "9568")
        burst(pilot, "end", "ctrl+u", "1", "2")
        await until(pilot, lambda: app.screen.query_one(Input).value == "12")


async def test_the_event_under_the_cursor_is_where_time_is_travelled_to(three: list[Path]) -> None:
    async with DempoApp(three[0].parent, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "3 runs")
        await pilot.press("enter", "7")
        text = await wait_for(pilot, "newest first")
        newest = int(text.split("head  ")[1].split()[0])
        burst(pilot, "down", "down", "down", "t")
        await wait_for(pilot, f"AS OF EVENT {newest - 3} of {newest}")


async def test_the_tab_that_was_asked_for_last_is_the_one_that_is_open(three: list[Path]) -> None:
    """Textual says a moment later that something in an earlier tab has the focus."""
    app = DempoApp(three[0].parent, INTERVAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, "3 runs")
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview", "recorded")
        for first, last in ("13", "14", "34", "71", "14", "36"):
            burst(pilot, first, last)
            await pilot.pause()
            await pilot.pause()
            assert isinstance(app.screen, RunScreen)
            assert app.screen.tab == PANES[int(last) - 1].key, (first, last)
