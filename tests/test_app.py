"""The app, used through its keys: what a person sees and what happens to runs."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_run
from textual.app import App
from textual.pilot import Pilot

from core.events import StageSkipped
from core.run_folder import RunFolder
from core.stage import Context, Unit
from storage.errors import StorageError
from storage.export.redaction import NOTE, Redaction, withhold
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.rows import HeldOutPoint
from tui.app import DempoApp
from tui.commands.runs import engine
from tui.commands.runs.run_list import RunList
from tui.messages import RunsRead
from tui.screens.panes.overview import OverviewPane, _counts
from tui.screens.panes.rankings import RankingsPane, call_text
from tui.screens.panes.training import Training, TrainingPane
from tui.screens.run import PANES, RunScreen, read_run
from tui.screens.runs import RunsScreen
from tui.screens.runs_list.run_table import RunTable
from tui.widgets.lists.whole_list import WholeList

SIZES = [(80, 24), pytest.param((120, 40), marks=pytest.mark.long)]
INTERVAL = 0.25

TABS = {
    "overview": [
        "completed: all stages are recorded",
        "18/18",
        "re-run",
        "90 optimizer steps",
        "seed    7",
        "4 draws, 6 rounds",
    ],
    "quotas": ["[panel4]", "k = 4, τ = 0.1", "18-34", "50.0 %", "1–3", "2.75", "✓", "slack", "k/n", "0.250"],
    "draw": ["[main]", "✓ accepted", "probability 0.5000", "r4a44dc15364", "0.4167", "✓"],
    "training": ["loss (nats)", "reward margin", "0.3851", "hard", "0.0e+00"],
    "rankings": ["14 ranked", "1 refused", "soft › hard › full › base", "✗ refused", "Clause 1", "Question"],
    "leaderboards": [
        "Recovery",
        "SIMULATED",
        "65.2 %",
        "intervals from 1,000",
        "Borda",
        "├──",
        "●",
        "lower is better",
        "page [boards] judges  details",
    ],
    "record": ["engine.stopped", "hash", "newest first", '"outcome": "completed"'],
}
"""What each tab of the sample run must show."""


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one complete run; tests only read it."""
    runs = tmp_path_factory.mktemp("complete")
    sample_run.make_sample_run(runs)
    return runs


def the_run(runs: Path) -> Path:
    (root,) = (path for path in runs.iterdir() if path.is_dir())
    return root


def shown(app: App[Any]) -> str:
    """The terminal's text as it is now, notifications included."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def flowing(app: App[Any]) -> str:
    """The same words in one line: where a sentence wraps depends on the names of the folders in it."""
    return re.sub(r"[\s│]+", " ", shown(app))


async def wait_for(pilot: Pilot[Any], *wanted: str, absent: str = "") -> str:
    """Waits until the terminal shows all of this.

    Raises:
        AssertionError: with what it shows instead, after nine seconds.
    """
    text = ""
    for _ in range(150):
        await asyncio.sleep(0.06)
        text = shown(pilot.app)
        if all(part in text for part in wanted) and not (absent and absent in text):
            return text
    missing = [part for part in wanted if part not in text]
    raise AssertionError(f"missing {missing}, unwanted {absent!r} in:\n{text}")


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    for _ in range(150):
        await asyncio.sleep(0.06)
        if condition():
            return
    raise AssertionError(f"it never came true; the terminal shows:\n{shown(pilot.app)}")


# ---------------------------------------------------------------- looking


@pytest.mark.parametrize("size", SIZES)
async def test_every_tab_shows_what_the_record_holds_and_cuts_nothing_off(
    complete: Path, size: tuple[int, int]
) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=size, notifications=True) as pilot:
        await wait_for(pilot, "✓ completed", "SIMULATED", "soft ≈")
        await pilot.press("enter")
        for number, pane in enumerate(PANES, start=1):
            await pilot.press(str(number))
            text = await wait_for(pilot, TABS[pane.key][0])
            for wanted in TABS[pane.key]:
                text = await _find(pilot, wanted)
            if pane is OverviewPane and size[0] >= 120:  # at 80 columns a long path leaves no room for what moves
                await wait_for(pilot, "soft, step 30")
            assert text.splitlines()[0].startswith(" dempo"), text
            assert "7 Record" in text, "all tabs fit"
        for grid in app.screen.query(WholeList):
            if grid.id not in ("calls", "events"):  # their last column repeats what is in full beside it
                assert grid.virtual_size.width <= size[0], grid.id


async def _find(pilot: Pilot[Any], wanted: str) -> str:
    """Pages down in the focused list or text until it shows."""
    for key in (*["pagedown"] * 6, "tab", *["pagedown"] * 6, ""):
        await pilot.wait_for_scheduled_animations()
        await asyncio.sleep(0.05)
        text = shown(pilot.app)
        if wanted in text:
            return text
        await pilot.press(*filter(None, [key]))
    raise AssertionError(f"missing {wanted!r} in:\n{shown(pilot.app)}")


async def test_names_stand_before_runs_are_read_and_open_at_once(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of many runs on a slow disk: what is read later fills the row, and the cursor stays where it was."""
    gate, read = threading.Event(), RunList.read

    def slowly(self: RunList, chosen: Path | None = None) -> RunsRead:
        gate.wait(30)
        return read(self, chosen)

    monkeypatch.setattr(RunList, "read", slowly)
    try:
        async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
            text = await wait_for(pilot, "…", "1 run", "sample ", "Quit")
            assert "completed" not in text
            await pilot.press("s")
            await wait_for(pilot, "the runs are being read")
            await pilot.press("enter")
            await wait_for(pilot, "1 Overview", "completed: all stages are recorded")
            gate.set()
            await pilot.press("escape")
            await wait_for(pilot, "✓ completed", "1 run, 0 running")
    finally:
        gate.set()


async def test_an_empty_folder_says_what_to_type(tmp_path: Path) -> None:
    async with DempoApp(tmp_path / "runs", INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs", "a demo: a whole run", "a run from an example or a configuration")


async def test_a_damaged_run_is_listed_with_its_sentence_and_opens_without_a_crash(tmp_path: Path) -> None:
    root = tmp_path / "20250101-000000-broken"
    root.mkdir()
    (root / "audit.db").write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "? unreadable", "damaged or no record of a run")
        await pilot.press("enter")
        for number in range(1, len(PANES) + 1):
            await pilot.press(str(number))
            await wait_for(pilot, "damaged or no record of a run")


async def test_another_database_by_that_name_is_no_crash(tmp_path: Path) -> None:
    root = tmp_path / "20250101-000000-other"
    root.mkdir()
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("CREATE TABLE people (name TEXT)")
        db.commit()
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "? unreadable")
        await pilot.press("enter")
        await until(pilot, lambda: "no such table" in flowing(pilot.app))


@pytest.mark.long
def test_every_prefix_of_a_record_can_be_read_for_every_tab(complete: Path, tmp_path: Path) -> None:
    last = len(_events(the_run(complete)))
    for events in [*range(0, last, 23), last]:
        copy = sample_run.copy_prefix(the_run(complete), tmp_path / str(events), events)
        for pane in PANES:
            assert read_run(copy, pane, None, None).error == "", (events, pane.key)


@pytest.mark.long
@pytest.mark.parametrize("events", [0, 120])
async def test_a_run_that_is_not_complete_opens_on_every_tab(complete: Path, tmp_path: Path, events: int) -> None:
    copy = sample_run.copy_prefix(the_run(complete), tmp_path, events)
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, copy.name[:8] if events == 0 else "sample")
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview", "waiting")
        for number, pane in enumerate(PANES, start=1):
            await pilot.press(str(number))
            screen = app.screen
            assert isinstance(screen, RunScreen)
            await until(pilot, lambda screen=screen, pane=pane: pane.key in screen._known)
            assert not screen.query_one("#problem").display


def _events(root: Path) -> list[Any]:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        return db.execute("SELECT seq FROM events").fetchall()


async def test_brackets_turn_lotteries_and_draws(complete: Path) -> None:
    async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "2")
        await wait_for(pilot, "[panel4]", "k = 4")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, "[panel6]", "k = 6")
        await pilot.press("l")
        await wait_for(pilot, "held down by", "age: 35+ (lower)")
        await pilot.press("l")
        await pilot.press("right_square_bracket")
        await wait_for(pilot, "[panel4]", "k = 4")
        await pilot.press("3", "left_square_bracket")
        await wait_for(
            pilot,
            "[public]",
            "round 1 ■ aborted: the source was cancelled\n   no value was read from the lottery numbers of next",
            "round 2 ✗ rejected: read out wrongly\n   3 14 15 9 26 5 from the lottery numbers of next Saturday",
            "round 3 ◌ committed",
            "not drawn yet",
            "source    the lottery numbers",
        )
        await pilot.press("left_square_bracket")
        await wait_for(pilot, "[large]", "lottery panel6")
        await pilot.press("left_square_bracket")
        await wait_for(pilot, "[second]", "✗ rejected: two members withdrew [@click=app.quit]x[/]")
        await pilot.press("7")
        newest = Reader(the_run(complete)).head()[0]
        await pilot.press("left_square_bracket")
        await wait_for(pilot, f"events 1–{newest}", f"event {newest}  engine.stopped")


async def test_the_event_under_the_cursor_is_shown_in_full(complete: Path) -> None:
    newest = Reader(the_run(complete)).head()[0]
    async with DempoApp(complete, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "7")
        await wait_for(pilot, f"event {newest}  engine.stopped")
        await pilot.press("down", "down")
        await wait_for(pilot, f"event {newest - 2}  unit.completed", '"unit": "diagnostics"')


async def test_a_long_training_with_held_out_pairs_fits_a_narrow_terminal(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does without columns; a wider one has all of them, whenever it becomes wider."""
    read = TrainingPane.read.__func__  # type: ignore[attr-defined]

    def of_days(cls: type[TrainingPane], reader: Reader, request: Any) -> Training:
        found: Training = read(cls, reader, request)
        names = {c.condition: f"a_long_name_of_a_condition@60000-{i}" for i, c in enumerate(found.conditions)}
        long = {"step": 60_000, "loss": 12.3456, "margin": -12.3456, "seconds": 1234.5}
        steps = {
            names[old]: [replace(row, condition=names[old], **long) for row in rows]
            for old, rows in found.steps.items()
        }
        measured = {name: [HeldOutPoint(name, 60_000, log_loss=0.69, accuracy=0.5128)] for name in steps}
        conditions = [replace(c, condition=names[c.condition], steps=60_000) for c in found.conditions]
        return replace(
            found, conditions=conditions, steps=steps, held_out=measured, moved=dict.fromkeys(names.values(), 1.2e-3)
        )

    monkeypatch.setattr(TrainingPane, "read", classmethod(of_days))
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "4")
        await wait_for(pilot, "0.513", "1.2e-03")
        table = app.screen.query_one("#training-table", WholeList)
        always = ["condition", "step", "of", "loss", "held out", "time", "moved"]
        assert [heading.removeprefix(">") for heading in table.headings] == always
        assert table.virtual_size.width <= 80
        await pilot.resize_terminal(120, 24)
        await wait_for(pilot, "s/step", "1,234.50")
        named = {heading.removeprefix(">") for heading in table.headings}
        assert named == {*always, "mean", "margin", "lr", "s/step"}


def test_the_overview_counts_draws_and_says_where_they_took_more_rounds(complete: Path) -> None:
    root = the_run(complete)
    rounds = [row["seq"] for row in Reader(root).view("events") if row["kind"] in ("draw.committed", "draw.made")]
    for until, told in ((rounds[0], "1 draw"), (rounds[2], "3 draws"), (rounds[-1], "4 draws, 6 rounds")):
        found = OverviewPane.read(Reader(root, until), None)
        assert str(_counts(found)).split(" · ")[4].split("\n")[0] == told


@pytest.mark.long
@pytest.mark.parametrize(
    ("key", "stage"), [("2", "lottery"), ("3", "draw"), ("4", "train"), ("5", "judge"), ("6", "rank")]
)
async def test_a_tab_whose_stage_was_skipped_says_why_and_does_not_say_yet(
    tmp_path: Path, key: str, stage: str
) -> None:
    root = sample_run.make_sample_run(tmp_path, stop_before="lottery")
    with Log.open(RunFolder(root)) as log:
        log.record(stage, [StageSkipped(name=stage, reason="nothing to do [@click=app.quit]here[/]")])
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", key)
        text = await wait_for(pilot, f"the stage {stage} was skipped: nothing to do [@click=app.quit]here[/]")
        assert " yet" not in text


async def test_many_rounds_of_a_draw_can_be_scrolled(complete: Path) -> None:
    async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "3")
        await wait_for(pilot, "[main]", "✓ accepted")
        facts = pilot.app.screen.query_one("#draw-facts-scroll")
        assert not facts.focusable, "everything is in sight"
        facts.styles.max_height = 2
        await until(pilot, lambda: facts.focusable)
        await pilot.press("shift+tab", *["pagedown"] * 6)
        await until(pilot, lambda: facts.has_focus and facts.scroll_y == facts.max_scroll_y > 0)


# ---------------------------------------------------------------- texts that are not there


def test_an_empty_text_is_told_from_one_that_is_withheld_or_lost(complete: Path, tmp_path: Path) -> None:
    whole = RankingsPane.read(Reader(the_run(complete)), None)
    assert whole.call is not None
    name = next(iter(whole.answers))
    said = replace(whole, answers=whole.answers | {name: replace(whole.answers[name], answer=" ")})
    assert str(call_text(whole)).count("(empty)") == 0
    assert str(call_text(said)).count("(empty)") == 1
    assert "withheld" not in str(call_text(said))

    copy = tmp_path / "copy"
    shutil.copytree(the_run(complete), copy)
    (copy / "audit.db").unlink()
    withhold(Path(shutil.copy(the_run(complete) / "audit.db", tmp_path)), copy / "audit.db", None)
    lost = str(call_text(RankingsPane.read(Reader(copy), None)))
    (copy / NOTE).write_text(Redaction(1_000, None).note())
    withheld = str(call_text(RankingsPane.read(Reader(copy), None)))
    parts = str(call_text(whole)).count("\n\n")
    assert parts == 7, "clause, question, four answers and the reply"
    assert lost.count("(missing: ") == withheld.count("(withheld: ") == parts
    for text in (lost, withheld):
        assert "(empty)" not in text


# ---------------------------------------------------------------- hostile text


async def test_text_from_models_and_people_is_shown_as_it_is_and_does_nothing(complete: Path) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "5")
        text = await wait_for(pilot, "[@click=app.quit]x[/]", "before ␛[2J␛]0;title␇", "<U+202E>", "<U+009B>31m")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\0" not in text
        for y, line in enumerate(text.splitlines()):
            if "[@click=app.quit]x[/]" in line:
                await pilot.click(offset=(line.index("x[/]"), y))
        await pilot.pause()
        assert app.is_running
        await pilot.press("5", "down", "down", "down", "down")
        await wait_for(pilot, "✗ refused", "Reply of the judge, raw", "I will not. before ␛[2J")


async def test_an_endless_answer_is_cut_with_a_note(tmp_path: Path) -> None:
    sample_run.make_sample_run(tmp_path, long_answer=10_000_000)
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter", "5")
        await wait_for(pilot, "1. soft", "yyyyyyyy")
        found = app.screen.query_one("#call").render()
        assert "20,000 of 10,000,000 characters shown" in str(found)


# ---------------------------------------------------------------- a run under way


async def test_a_run_is_followed_while_its_engine_records(tmp_path: Path) -> None:
    root = sample_run.make_sample_run(tmp_path, stop_before="train")
    folder = RunFolder(root)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "■ stopped", "model")
        with Log.open(folder) as log:
            log.record("run", [sample_run.started(resumed=True)])
            await wait_for(pilot, "● running")
            await pilot.press("enter", "4")
            await wait_for(pilot, "no optimizer step is recorded yet")
            ctx = Context("train", _config(root), log, folder)
            unit = Unit(ctx, "full:0", 1)
            unit.now(*(sample_run.train_step("full", step) for step in range(1, 4)))
            await wait_for(pilot, "loss (nats)", "full        3  30")
            measured = {"effective_pairs": 7.25, "tokens": 900, "memory": 5_760_000_000}
            unit.now(*(sample_run.train_step("full", step).model_copy(update=measured) for step in range(4, 8)))
            await wait_for(pilot, "full        7  30", "full: 2.1 s left", " pairs/s, 10,000 tokens/s, 5.8 GB at most")
            await wait_for(pilot, "7.2 of ", "loss and margin: last step")
            log.progress("train", 7, 90, "full: step 7 of 30")
            await pilot.press("1")
            await wait_for(pilot, "8 % full: step 7 of 30")
        await wait_for(pilot, "! interrupted", "ended without a word")


def _config(root: Path) -> Any:
    from core.config_file import load_config

    return load_config(root / "config.toml").config


async def test_a_new_run_appears_in_the_list_without_moving_the_cursor(tmp_path: Path) -> None:
    older = sample_run.make_sample_run(tmp_path)
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "1 run,")
        newer = tmp_path / "99990101-000000-sample"
        shutil.copytree(older, newer)
        await wait_for(pilot, "2 runs,", newer.name)
        assert app.screen.query_one(RunTable).chosen == older.name


def test_a_run_that_did_not_change_is_not_read_again(complete: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = RunList(complete)
    first = listed.read()
    monkeypatch.setattr("tui.commands.runs.run_list.summary_of", None)
    assert listed.read() == first


# ---------------------------------------------------------------- acting


@pytest.fixture
def live(tmp_path: Path) -> Any:
    """A folder with a run on which an engine works (this process holds its lock)."""
    root = sample_run.make_sample_run(tmp_path, stop_before="train")
    with Log.open(RunFolder(root)) as log:
        log.record("run", [sample_run.started(resumed=True)])
        yield root


@pytest.mark.parametrize("inside", [False, True])
async def test_stop_asks_first_and_names_the_command(live: Path, inside: bool) -> None:
    request = RunFolder(live).stop_request
    async with DempoApp(live.parent, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "● running")
        if inside:
            await pilot.press("enter")
            await wait_for(pilot, "1 Overview", "● running")
        await pilot.press("s")
        await wait_for(pilot, "at the next safe point?", f"dempo stop {live.name}"[:40])
        await pilot.press("n")
        await wait_for(pilot, "● running", absent="at the next safe point?")
        assert not request.exists()
        await pilot.press("s")
        await wait_for(pilot, "at the next safe point?")
        await pilot.press("y")
        await wait_for(pilot, "asked to stop", "◌ stopping")
        assert request.exists()


async def test_stop_without_an_engine_says_so(complete: Path) -> None:
    async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("s")
        await wait_for(pilot, "nothing to stop", absent="safe point")
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview", "✓ completed")
        await pilot.press("s")
        await wait_for(pilot, "no engine works on")


async def test_resume_starts_an_engine_and_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sample_run.make_sample_run(tmp_path, stop_before="train")
    resumed: list[Path] = []
    monkeypatch.setattr(engine, "resume", lambda root: resumed.append(root))
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "■ stopped")
        await pilot.press("r")
        await wait_for(pilot, "engine started", "$ dempo resume")
    assert resumed == [root]


async def test_a_complete_run_is_not_resumed(complete: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "resume", lambda root: pytest.fail("an engine was started"))
    async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("r")
        await wait_for(pilot, "there is nothing to resume")


async def test_the_sentence_of_a_refused_resume_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_run.make_sample_run(tmp_path, stop_before="train")

    def refuse(root: Path) -> int:
        raise StorageError("an engine (process 12) works on it [@click=app.quit]already[/]")

    monkeypatch.setattr(engine, "resume", refuse)
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "■ stopped")
        await pilot.press("r")
        await wait_for(pilot, "an engine (process 12) works on it", "[@click=app.quit]already[/]")


@pytest.mark.long
async def test_looking_and_closing_change_nothing_on_disk(complete: Path) -> None:
    def fingerprint() -> dict[str, str]:
        files = (path for path in complete.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = fingerprint()
    async with DempoApp(complete, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        await pilot.press("enter")
        for number in range(1, len(PANES) + 1):
            await pilot.press(str(number))
            await pilot.pause(0.1)
        await pilot.press("q")
    after = {path: digest for path, digest in fingerprint().items() if not path.endswith("-wal")}
    assert after == {path: digest for path, digest in before.items() if not path.endswith("-wal")}


# ---------------------------------------------------------------- manners


async def test_help_names_every_key_that_does_something(complete: Path) -> None:
    app = DempoApp(complete, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "sample")
        for key in ("question_mark", "f1"):
            await pilot.press(key)
            await wait_for(pilot, "Keys here", "close the app; engines go on")
            await pilot.press("escape")
            await wait_for(pilot, "progress", absent="Keys here")


def test_keys_that_terminal_multiplexers_and_flow_control_take_are_not_bound() -> None:
    from tui.screens.confirm import ConfirmScreen
    from tui.screens.help import HelpScreen
    from tui.screens.start.choose import ChooseScreen
    from tui.screens.start.form import StartScreen

    for owner in (DempoApp, RunsScreen, RunScreen, ConfirmScreen, HelpScreen, StartScreen, ChooseScreen):
        keys = {key for bindings in owner._merged_bindings.key_to_bindings.items() for key in [bindings[0]]}  # type: ignore[union-attr]
        assert not keys & {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q"}, owner


def test_nothing_moves_over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_TTY", raising=False)
    assert DempoApp(tmp_path, 1.0).animation_level == "full"
    monkeypatch.setenv("SSH_TTY", "/dev/pts/3")
    app = DempoApp(tmp_path, 1.0)
    assert app.animation_level == "none"
    assert app.interval == 2.0


def test_no_color_uses_the_terminals_own_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert DempoApp(tmp_path).theme == "ansi-dark"
