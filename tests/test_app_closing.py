"""The app is closed, or a screen left, at every moment of its opening: nothing is half there, and nothing fails."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import sample_run
from test_app import INTERVAL, until, wait_for
from test_app_bursts import burst
from textual import events
from textual.widgets import Input

from tui.actions.table import labelled
from tui.app import DempoApp
from tui.screens.palette import PaletteScreen
from tui.screens.runs import RunsScreen

SCREENS = sorted((Path(__file__).parent.parent / "tui").rglob("*.py"))


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one complete run; tests only read it."""
    runs = tmp_path_factory.mktemp("complete")
    sample_run.make_sample_run(runs)
    return runs


@pytest.mark.long
@pytest.mark.parametrize("how", ["exit", "taken down"])
@pytest.mark.parametrize("turns", [0, 3, 10, 30, 100])
async def test_it_can_be_closed_at_every_moment_while_a_run_opens(complete: Path, turns: int, how: str) -> None:
    """`turns` of the event loop after Enter, however slow the machine is."""
    app = DempoApp(complete, INTERVAL)
    (root,) = (path for path in complete.iterdir() if path.is_dir())
    async with app.run_test(size=(120, 40)):
        opening = asyncio.create_task(app.open_run(root))
        for _ in range(turns):
            await asyncio.sleep(0)
        if how == "exit":
            app.exit()
    opening.cancel()
    assert app.return_code in (0, None)


@pytest.mark.parametrize("turns", [0, 3, 10, 30])
async def test_it_can_be_closed_at_every_moment_while_the_list_opens(complete: Path, turns: int) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(120, 40)):
        for _ in range(turns):
            await asyncio.sleep(0)
        app.exit()
    assert app.return_code in (0, None)


@pytest.mark.parametrize("late", [events.Key("x", "x"), events.Paste("new"), events.AppBlur(), events.AppFocus()])
@pytest.mark.parametrize("forwarded", [False, True], ids=["new", "forwarded"])
async def test_what_comes_after_the_last_screen_goes_nowhere(
    complete: Path, late: events.Event, forwarded: bool
) -> None:
    """A burst that the app did not get to the end of: a screen has seen its keys, or nobody has."""
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(80, 24)):
        app.exit()
    assert not app.screen_stack
    if forwarded:
        late._set_forwarded()
    with app._context():
        await app.on_event(late)
    assert app.return_code == 0


@pytest.mark.long
async def test_a_run_can_be_left_while_it_opens_and_is_read(complete: Path) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "1 run,")
        for _ in range(4):
            burst(pilot, "enter", "5", "escape", "enter", "escape", "enter", "7", "t", "escape", "escape")
            await pilot.pause()
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await wait_for(pilot, "1 run,")
        await until(pilot, lambda: not any(each.message_queue_size for each in (app, *app.screen_stack)))


def test_no_part_of_a_screen_is_looked_up() -> None:
    """One that is made with its screen and kept is there from the first message to the last."""
    assert len(SCREENS) > 40
    found = [f"{path.name}: {line}" for path in SCREENS for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in found if re.search(r"query_one\(|get_child_by|query_exactly_one\(", line)] == []


# ---------------------------------------------------------------- the palette


async def test_the_palette_can_be_closed_at_once(complete: Path) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "1 run,")
        for keys in (["escape"], ["q", "escape"], ["n", "e", "w", "escape"], ["x", "x", "escape"]):
            burst(pilot, "ctrl+p", *keys, "ctrl+p", *keys)
            await pilot.pause()
            await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await wait_for(pilot, "1 run,")
        burst(pilot, "ctrl+p", "q")
        await until(pilot, lambda: isinstance(app.screen, PaletteScreen))
    assert app.return_code in (0, None)


async def test_the_palette_lists_all_commands_and_does_what_is_chosen(complete: Path) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "1 run,")
        await pilot.press("ctrl+p")
        await wait_for(pilot, labelled("run.new").words, "Verify", "Quit")
        burst(pilot, "n", "e", "w", "space", "r", "enter")
        await wait_for(pilot, "Start a run from")
        await pilot.press("escape")
        await wait_for(pilot, "1 run,")
        burst(pilot, "ctrl+p", *"theme", "enter")
        await wait_for(pilot, "dracula", "dempo-light")
        burst(pilot, *"nord", "down", "up", "enter")
        await until(pilot, lambda: app.theme == "nord")
        burst(pilot, "ctrl+p", *"nosuchcommand", "enter")
        await until(pilot, lambda: [line.value for line in app.screen.query(Input)] == ["nosuchcommand"])
        await wait_for(pilot, "nosuchcommand", absent="a form on an example")
        await pilot.press("escape")
        await wait_for(pilot, "1 run,")
        burst(pilot, "ctrl+p", *"quit", "enter")
        await until(pilot, lambda: not app.is_running)
