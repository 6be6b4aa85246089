"""Stepping through a record in the app: going to an event, filtering, and every tab as it was then."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_run
from draw_runs import make_draw_run
from paper_record import write_record
from rewritten import Row, forged
from rich.color import Color as RichColor
from rich.style import Style
from test_app import INTERVAL, SIZES, shown, the_run, until, wait_for
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Input
from timing import fastest

from core.events import DrawCommitted, OperatorAction, digest
from core.run_folder import RunFolder
from storage.record.event_pages import EventIndex, event_index, neighbour
from storage.record.foreign import MARK
from storage.record.log import Log
from storage.record.reader import Reader
from tui.app import DempoApp
from tui.commands.runs import engine
from tui.commands.runs.run_list import RunList
from tui.screens.panes.overview import Overview
from tui.screens.panes.pane import Pane
from tui.screens.panes.record import RecordPane
from tui.screens.run import PANES, read_run
from tui.widgets.figures import moment


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose two public draws wait for commitments. Nobody writes into it."""
    return make_draw_run(tmp_path_factory.mktemp("waiting"))


@pytest.fixture(scope="module")
def newest(runs: Path) -> int:
    """Number of its last event."""
    return Reader(the_run(runs)).head()[0]


def first(root: Path, kind: str, place: int = 0) -> int:
    """Number of an event of this kind."""
    found: int = Reader(root).query("SELECT seq FROM events WHERE kind = ? ORDER BY seq", [kind])[place]["seq"]
    return found


async def open_tab(pilot: Pilot[Any], key: str, *wanted: str) -> str:
    """Opens the one run of the list and a tab of it."""
    await wait_for(pilot, "sample")
    await pilot.press("enter", key)
    return await wait_for(pilot, *wanted)


async def answer(pilot: Pilot[Any], key: str, text: str) -> None:
    """Opens the dialog behind a key and answers it."""
    await pilot.press(key)
    await until(pilot, lambda: bool(pilot.app.screen.query("#answer")))
    pilot.app.screen.query_one("#answer", Input).value = text
    await pilot.press("enter")


# ---------------------------------------------------------------- one event and the next


@pytest.mark.parametrize("size", SIZES)
async def test_an_event_is_gone_to_by_its_number(runs: Path, newest: int, size: tuple[int, int]) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=size, notifications=True) as pilot:
        text = await open_tab(pilot, "7", f"event {newest}  engine.stopped  replay –")
        assert "keys  g event  / search  f filter  o sort  , earlier  . later  t as of" in text, "in one line"
        number = first(the_run(runs), "lottery.solved")
        await answer(pilot, "g", str(number))
        await wait_for(pilot, f"event {number}  lottery.solved  replay re-solve", f"{number}  ", absent="Go to event")
        await pilot.press("down")
        await wait_for(pilot, f"event {number - 1}  ")
        await answer(pilot, "g", str(newest))
        await wait_for(pilot, f"event {newest}  engine.stopped", f"events 1–{newest}, newest first")


@pytest.mark.long
@pytest.mark.parametrize("wrong", ["0", "one too many", "-1", "1.5", "x", "", "²", "9" * 60])
async def test_a_wrong_number_gets_a_sentence(runs: Path, newest: int, wrong: str) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await answer(pilot, "g", str(newest + 1) if wrong == "one too many" else wrong)
        await wait_for(pilot, f"the record has the events 1 to {newest}; give one of these")
        await pilot.press("escape")
        await wait_for(pilot, f"event {newest}  engine.stopped", absent="give one of these")


async def test_a_number_can_be_given_on_any_tab(runs: Path) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "1", "90 optimizer steps")
        await answer(pilot, "g", "1")
        await wait_for(pilot, "event 1  run.created", "events 1–")


@pytest.mark.long
async def test_previous_and_next_end_at_the_ends(runs: Path, newest: int) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await pilot.press("full_stop")
        await wait_for(pilot, "there is no later event")
        await answer(pilot, "g", "141")
        await wait_for(pilot, "event 141  ")
        await pilot.press(*["comma"] * 52)
        await wait_for(pilot, "event 89  ")
        await pilot.press(*["full_stop"] * 3)
        await wait_for(pilot, "event 92  ")
        await answer(pilot, "g", "1")
        await wait_for(pilot, "event 1  ")
        await pilot.press("comma")
        await wait_for(pilot, "there is no earlier event")


# ---------------------------------------------------------------- only some of them


async def test_a_filter_shows_a_stage_or_a_kind_and_steps_within_it(runs: Path, newest: int) -> None:
    root = the_run(runs)
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await answer(pilot, "f", "draw.made")
        last, before = first(root, "draw.made", -1), first(root, "draw.made", -2)
        await wait_for(pilot, "only draw.made", f"event {last}  draw.made", absent="engine.stopped")
        await pilot.press("comma")
        await wait_for(pilot, f"event {before}  draw.made")
        await answer(pilot, "f", "lottery")
        text = await wait_for(pilot, "only lottery", "lottery.solved", absent="draw.made")
        assert "unit.completed" in text, "of the stage, not only of the kinds that begin so"
        await answer(pilot, "f", "nonsense")
        await wait_for(pilot, "no event is of a stage or kind 'nonsense'")
        await answer(pilot, "f", "")
        await wait_for(pilot, f"events 1–{newest}, newest first", "engine.stopped", absent="only")


def test_a_filter_means_a_stage_a_kind_or_what_a_kind_begins_with(runs: Path) -> None:
    reader = Reader(the_run(runs))
    everything = reader.view("events")
    for only in ("judge", "judge.called", "engine", "run", "unit", "eng", "judge.", "%", "*", "' OR 1"):
        fits = [
            row["seq"]
            for row in everything
            if only in (row["stage"], row["kind"]) or row["kind"].startswith(f"{only}.")
        ]
        assert [*event_index(reader, everything[-1]["seq"], only).numbers] == fits[::-1], only
        assert neighbour(reader, everything[-1]["seq"] + 1, -1, only) == (fits[-1] if fits else None)
        assert neighbour(reader, 0, 1, only) == (fits[0] if fits else None)


@pytest.mark.parametrize("only", ["", "train"])
def test_what_came_since_is_added_to_the_numbers_that_are_known(runs: Path, only: str) -> None:
    reader = Reader(the_run(runs))
    fits = [row["seq"] for row in reader.view("events") if only in ("", row["stage"])]
    held: EventIndex | None = None
    for newest in (1, fits[len(fits) // 2], fits[-1], 12):
        held = event_index(reader, newest, only, held=held)
        assert [*held.numbers] == [seq for seq in fits[::-1] if seq <= newest]
        assert event_index(reader, newest, only, held=held) is held


def test_events_are_sorted_by_what_a_column_shows(runs: Path) -> None:
    reader = Reader(the_run(runs))
    everything = reader.view("events")[::-1]
    newest = everything[0]["seq"]
    for column, by in (("event", "seq"), ("time", "at"), ("stage", "stage"), ("kind", "kind"), ("payload", "payload")):
        for down in (False, True):
            found = event_index(reader, newest, "", (column, down)).numbers
            values = sorted((row[by] for row in everything), reverse=down)
            assert [everything[newest - seq][by] for seq in found] == values
            assert {*found} == {*range(1, newest + 1)}


# ---------------------------------------------------------------- as it was


@pytest.mark.long
def test_every_tab_says_of_an_event_what_it_said_when_it_was_the_last(runs: Path, newest: int, tmp_path: Path) -> None:
    """The other side is a record that ends there, as a crash would have left it."""
    root = the_run(runs)
    for number in (1, 2, *range(9, newest, 31), newest):
        was = sample_run.copy_prefix(root, tmp_path / str(number), number)
        for pane in PANES:
            then, now = read_run(was, pane, None, None), read_run(root, pane, None, None, number)
            assert (then.error, now.error) == ("", "")
            assert _placeless(now.found) == _placeless(then.found), (number, pane.key)


def _placeless(found: Any) -> Any:
    return replace(found, path="") if isinstance(found, Overview) else found


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
async def test_t_shows_all_tabs_as_of_an_event_and_goes_back(runs: Path, newest: int, size: tuple[int, int]) -> None:
    root = the_run(runs)
    number = first(root, "train.step", 34)
    at = moment(Reader(root, number).query("SELECT max(seq), at FROM events")[0]["at"])
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=size, notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await answer(pilot, "g", str(number))
        await wait_for(pilot, f"event {number}  train.step")
        await pilot.press("t")
        place = f"AS OF EVENT {number} of {newest}  {at} UTC  t now  , . step"
        text = await wait_for(pilot, place, f"events 1–{number}, ", f"event {number}  train.step")
        assert text.splitlines()[1].startswith(f" {place}"), "under the name of the run"
        assert "✓ completed" not in text.splitlines()[0]
        for key, wanted in (
            ("1", ["was at work", "35 optimizer steps", "● running", "· waiting"]),
            ("2", ["k = 4, τ = 0.1", "18-34"]),
            ("3", ["✓ accepted"]),
            ("4", ["hard        5  30"]),
            ("5", ["no judge call is recorded yet"]),
            ("6", ["no leaderboard is recorded yet"]),
        ):
            await pilot.press(key)
            await wait_for(pilot, place, *wanted)
        await pilot.press("escape")
        await wait_for(pilot, "Recovery", "✓ completed", absent="AS OF EVENT")
        await pilot.press("7")
        await wait_for(pilot, f"event {number}  train.step", f"head  {newest}", absent="AS OF EVENT")
        await pilot.press("t")
        await wait_for(pilot, "AS OF EVENT")
        await pilot.press("t")
        await wait_for(pilot, f"head  {newest}", absent="AS OF EVENT")
        await pilot.press("escape")
        await wait_for(pilot, "1 run,")


@pytest.mark.long
async def test_stepping_fills_the_tabs_up(runs: Path, newest: int) -> None:
    root = the_run(runs)
    number = first(root, "train.step")
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "4", "hard")
        await answer(pilot, "g", str(number - 1))
        await wait_for(pilot, f"event {number - 1}  ")
        await pilot.press("t", "4")
        await wait_for(pilot, f"AS OF EVENT {number - 1} ", "no optimizer step is recorded yet")
        for step in (1, 2, 3):
            await pilot.press("full_stop")
            await wait_for(pilot, f"AS OF EVENT {number + step - 1} ", f"full        {step}  30")
        await pilot.press("comma")
        await wait_for(pilot, f"AS OF EVENT {number + 1} ", "full        2  30")
        await answer(pilot, "g", str(newest))
        await wait_for(pilot, f"AS OF EVENT {newest} of {newest}", "hard       30  30")
        await pilot.press("full_stop")
        await wait_for(pilot, "there is no later event")
        await answer(pilot, "g", "1")
        await wait_for(pilot, f"AS OF EVENT 1 of {newest}", "no optimizer step is recorded yet")
        await pilot.press("comma")
        await wait_for(pilot, "there is no earlier event")


async def test_steps_in_time_go_from_one_event_of_the_filter_to_the_next(runs: Path, newest: int) -> None:
    root = the_run(runs)
    boards = [first(root, "leaderboard.computed", place) for place in range(4)]
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await answer(pilot, "f", "leaderboard.computed")
        await wait_for(pilot, f"event {boards[3]}  ")
        await pilot.press("t", "6", "comma", "comma")
        # each board counts from the event behind it on, which completes its unit
        await wait_for(pilot, f"AS OF EVENT {boards[1]} ", "t now  , . leaderboard.", "page [boards]")
        await pilot.press("end")
        await wait_for(pilot, "Borda", absent="Copeland")
        await pilot.press("full_stop", "full_stop")
        await wait_for(
            pilot, f"AS OF EVENT {boards[3]} ", "all 3 methods agree"
        )  # what is shown has to be there to be paged
        await pilot.press("end")
        await wait_for(pilot, "Kemeny")
        await pilot.press("full_stop")
        await wait_for(pilot, "there is no later event of a stage", "'leaderboard.computed'")


async def test_on_another_tab_one_starts_at_the_newest_event(runs: Path, newest: int) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "1", "✓ completed", "5/5")
        await pilot.press("t")
        await wait_for(pilot, f"AS OF EVENT {newest} of {newest}", "✓ completed", "all stages are recorded")
        await pilot.press("comma")
        await wait_for(pilot, f"AS OF EVENT {newest - 1} of {newest}", "● running")


async def test_the_newest_event_can_be_stood_at_and_the_list_gone_through(runs: Path, newest: int) -> None:
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await pilot.press("t")
        place = f"AS OF EVENT {newest} of {newest}"
        await wait_for(pilot, place, f"events 1–{newest}, ")
        await pilot.press("end")
        await wait_for(pilot, place, "event 1  run.created")
        await pilot.press("home", "full_stop", "comma")
        before = newest - 1
        await wait_for(pilot, f"AS OF EVENT {before} of {newest}", f"events 1–{before}, ", f"event {before}  ")


async def test_what_writes_says_that_one_looks_at_the_past(
    runs: Path, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "resume", lambda root: pytest.fail("an engine was started"))
    monkeypatch.setattr(engine, "request_stop", lambda root: pytest.fail("an engine was stopped"))
    async with DempoApp(runs, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await open_tab(pilot, "1", "5/5")
        await pilot.press("t", "comma")
        await wait_for(pilot, f"AS OF EVENT {newest - 1}", "● running")
        for key in ("s", "r"):
            await pilot.press(key)
            await wait_for(pilot, f"this is the run as of event {newest - 1}; t goes back", absent="safe point")
            pilot.app.clear_notifications()
            await wait_for(pilot, "5/5", absent="goes back")


async def test_a_live_run_is_recorded_meanwhile_and_returned_to(tmp_path: Path) -> None:
    root = sample_run.make_sample_run(tmp_path, stop_before="train")
    last = Reader(root).head()[0]
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "■ stopped")
        with Log.open(RunFolder(root)) as log:
            await pilot.press("enter", "t")
            await wait_for(pilot, f"AS OF EVENT {last} of {last}", "■ stopped")
            log.record("run", [sample_run.started(resumed=True)])
            text = await wait_for(pilot, f"AS OF EVENT {last} of {last + 1}")
            assert "■ stopped" in text
            assert "process" not in text
            await pilot.press("full_stop")
            await wait_for(pilot, f"AS OF EVENT {last + 1} of {last + 1}", "was at work")
            await pilot.press("t")
            await wait_for(pilot, "● running", "process", absent="AS OF EVENT")
            log.record("run", [OperatorAction(action="note", detail="later")])
            await pilot.press("7")
            await wait_for(pilot, f"head  {last + 2}")


async def test_what_was_read_for_another_moment_is_not_shown(
    runs: Path, newest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reading of the past ends after one has returned, and before the present is read again."""
    read = RecordPane.read.__func__  # type: ignore[attr-defined]
    seen: list[int | None] = []

    def slow(cls: type[Pane], reader: Reader, request: Any) -> Any:
        if reader.until is not None or seen:
            seen.append(reader.until)
            time.sleep(0.5)
        return read(cls, reader, request)

    monkeypatch.setattr(RecordPane, "read", classmethod(slow))
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await pilot.press("comma")
        await wait_for(pilot, f"event {newest - 1}  ")
        await pilot.press("t", "t")
        for _ in range(20):
            await asyncio.sleep(0.06)
            assert "AS OF EVENT" not in shown(pilot.app)
        await wait_for(pilot, f"head  {newest}", f"event {newest - 1}  ")
    assert seen[:2] == [newest - 1, None]


async def test_no_state_rests_on_colour_alone(runs: Path, newest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await open_tab(pilot, "7", f"event {newest}")
        await pilot.press("t")
        await wait_for(pilot, f"AS OF EVENT {newest} of {newest}", "t now")
        reversed_texts = []
        for strip in pilot.app.screen._compositor.render_strips():
            for line_filter in pilot.app._filters:
                strip = strip.apply_filter(line_filter, Color(0, 0, 0)) if line_filter.enabled else strip
            for segment in strip:
                style = segment.style or Style()
                assert {style.color, style.bgcolor} <= {None, RichColor.default()}, segment
                reversed_texts += [segment.text] if style.reverse else []
        for wanted in (f"AS OF EVENT {newest}", "7 Record", "engine.stopped"):
            assert any(wanted in text for text in reversed_texts), wanted


def test_of_an_imported_record_the_newest_event_is_known(runs: Path, newest: int, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(the_run(runs), tmp_path / "copy"))
    (copy / MARK).write_text("{}")
    found = read_run(copy, PANES[0], None, None, 100)
    assert found.error == ""
    assert found.pulse is not None
    assert (found.pulse.seq, found.pulse.newest, found.pulse.origin) == (100, newest, "imported")


# ---------------------------------------------------------------- what a paused run waits for


async def test_the_list_and_the_overview_say_what_a_paused_run_waits_for(waiting: Path) -> None:
    async with DempoApp(waiting.parent, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        told = "draw 'public' waits for a commitment to a public source of randomness"
        await wait_for(pilot, "‖ paused", told)
        await pilot.press("enter")
        await wait_for(pilot, "‖ paused", f"waits   {told}", "waits   draw 'numbered'", "rank", "recorded  ")


async def test_what_it_waits_for_follows_the_record(tmp_path: Path) -> None:
    root = make_draw_run(tmp_path)
    listed = RunList(root.parent)
    assert "commitment" in listed.read(root).waits[root][0]
    with Log.open(RunFolder(root)) as log:
        committed = DrawCommitted(
            draw="public",
            round=1,
            lottery="main",
            hashes={},
            source="lotto",
            rule="hash",
            commitment=digest(b"commitment"),
        )
        log.record("draw", [committed])
    assert listed.read(root).waits[root][0] == "draw 'public' waits for the value of its public source, 'lotto'"


def test_only_of_the_chosen_paused_run_it_is_read_and_once(waiting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = RunList(waiting.parent)
    asked: list[Path] = []

    def waits(root: Path) -> list[str]:
        asked.append(root)
        return ["something"]

    monkeypatch.setattr("tui.commands.runs.run_list.waits_in", waits)
    assert listed.read().waits == {}
    assert listed.read(waiting).waits == listed.read(waiting).waits == {waiting: ("something",)}
    assert asked == [waiting]


# ---------------------------------------------------------------- damage, and what it costs


@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.long), 2])
async def test_a_tab_that_cannot_show_a_record_survives_another_width(runs: Path, tmp_path: Path, number: int) -> None:
    def nonsense(rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.kind == "lottery.level":
                row.payload["binding"] = ["a list"]
            if row.kind == "stage.planned":
                row.payload["units"] = {"many": 1}
        return rows

    forged(the_run(runs), tmp_path, nonsense)
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: bool(app.screen.query("#runs")) and "sample" in shown(app))
        await pilot.press("enter", str(number))
        await wait_for(pilot, "1 Overview")
        await pilot.pause(0.6)
        for width in (80, 130):
            await pilot.resize_terminal(width, 24)
            await pilot.pause(0.3)
        if number == 2:
            await wait_for(pilot, "this tab cannot show the record")
    assert app._exception is None


@pytest.mark.long
def test_a_step_in_a_record_of_the_papers_size_takes_a_moment(tmp_path: Path) -> None:
    root = tmp_path / "20260101-000000-paper"
    write_record(root, 1)
    for pane, until_event in itertools.product(PANES, (31_000, 62_000)):
        found = read_run(root, pane, None, None, until_event)
        assert found.error == ""
        took = fastest(lambda: read_run(root, pane, None, None, until_event))  # noqa: B023 - called here
        assert took < 3, (pane.key, until_event)
