"""The form that starts a run: what it shows, what it refuses, and that the command in sight is what happens."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
import sample_run
from test_app import INTERVAL, flowing, shown, until, wait_for
from textual import events
from textual.pilot import Pilot

from core.config_file import parse_override
from storage.draws.history import config_of
from storage.record.reader import Reader
from tui.app import DempoApp
from tui.commands.starting.launch import launch
from tui.commands.starting.outlook import look
from tui.commands.starting.source import DEMO, RunSource
from tui.screens.start.changes import Changes
from tui.screens.start.field_rows import written
from tui.screens.start.places import completions
from tui.screens.start.reading import read_form, wrong_with
from tui.terminal.command_line import command_line

ASSEMBLY = Path(__file__).resolve().parent.parent / "examples" / "assembly.toml"


def the_only_run(runs: Path) -> Path:
    (root,) = (path for path in runs.iterdir() if (path / "audit.db").is_file())
    return root


async def paste(pilot: Pilot[Any], text: str) -> None:
    """What is typed, at once."""
    focused = pilot.app.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await pilot.pause()


async def form_on(pilot: Pilot[Any], typed: str) -> None:
    """Opens the form, and chooses by what is typed."""
    await pilot.press("n")
    await paste(pilot, typed)
    await pilot.press("enter")


async def give(pilot: Pilot[Any], key: str, value: str) -> None:
    """Gives a key a value, typed by hand."""
    await pilot.press("k")
    await paste(pilot, key)
    await pilot.press("enter", "ctrl+u")
    await paste(pilot, value)


# ---------------------------------------------------------------- in the app


@pytest.mark.long
async def test_an_example_is_started_as_the_command_says_with_a_value_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, by keys alone, until the lottery, by an engine that the app does not hold."""
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    async with DempoApp(runs, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await form_on(pilot, "assem")
        await wait_for(pilot, "run.seed", "✓ can be started")
        await give(pilot, "run.seed", "99")
        await pilot.press("enter")
        await wait_for(pilot, "* run.seed", "99", "changed here")
        await pilot.press("t", *"lott", "enter")
        await wait_for(pilot, "until lottery")
        command = f"$ dempo run {ASSEMBLY} --set run.seed=99 --until lottery --detach --runs-dir {runs}"
        await until(pilot, lambda: command.replace(" ", "") in flowing(pilot.app).replace(" ", ""))
        await pilot.press("s")
        await wait_for(pilot, "1 Overview", "‖ paused")
    config = config_of(Reader(the_only_run(runs)))
    assert (config.run.seed, config.run.name) == (99, "assembly")


async def test_a_wrong_value_is_told_at_its_field_and_changes_nothing(tmp_path: Path) -> None:
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await form_on(pilot, "assem")
        await wait_for(pilot, "run.seed")
        await give(pilot, "lotteries.0.size", "many")
        await wait_for(pilot, "✗ Input should be a valid integer", "'many'")
        await pilot.press("enter", "enter")
        await wait_for(pilot, "lotteries.0.size = many")
        await pilot.press(*(["backspace"] * 4), "9")
        await wait_for(pilot, "✓ lotteries.0.size", absent="valid integer")
        await pilot.press("enter")
        await wait_for(pilot, "cannot be started", "dempo feasible", "* lotteries.0.size", "--set lotteries.0.size=9")
        await give(pilot, "lotteries.0.sise", "9")
        await until(pilot, lambda: "✗ is not a known key" in flowing(app) and "known here: name, size" in flowing(app))
        await pilot.press("escape", "u")
        await wait_for(pilot, "lotteries.0.size", absent="--set")
    assert not any(tmp_path.iterdir()), "looking at a form creates nothing"


async def test_a_file_that_is_not_there_is_said_and_nothing_else(tmp_path: Path) -> None:
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await pilot.press("n")
        await wait_for(pilot, "Start a run from", "planted world")
        await pilot.press(*"nosuch.toml", "enter")
        await wait_for(pilot, "there is no file nosuch.toml", absent="planted world")


@pytest.mark.long
async def test_leaving_a_changed_form_asks_once_and_an_unchanged_one_never(tmp_path: Path) -> None:
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await form_on(pilot, "assem")
        await wait_for(pilot, "run.seed")
        await pilot.press("escape")
        await wait_for(pilot, "There are no runs")
        await form_on(pilot, "assem")
        await wait_for(pilot, "run.seed")
        await give(pilot, "run.seed", "5")
        await pilot.press("enter")
        await wait_for(pilot, "--set run.seed=5")
        await pilot.press("escape")
        await wait_for(pilot, "Its changes are not kept.")
        await pilot.press("n")
        await wait_for(pilot, "--set run.seed=5", absent="not kept")
        await pilot.press("q", "y")
        await wait_for(pilot, "There are no runs")


@pytest.mark.long
async def test_what_cannot_be_started_says_why_and_keeps_what_was_typed(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await form_on(pilot, "assem")
        await wait_for(pilot, "✓ can be started")
        await give(pilot, "data.respondents", str(tmp_path / "nobody.csv"))
        await pilot.press("enter")
        await wait_for(pilot, "✗ cannot be started", "nobody.csv")
        await pilot.press("s")
        await wait_for(pilot, "it cannot be started as it is", "* data.respondents")
        await pilot.press("U")
        await wait_for(pilot, "✓ can be started", absent="* data.respondents")
    assert not runs.exists()


@pytest.mark.long
async def test_a_file_is_completed_and_one_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    hostile = tmp_path / "configs" / "wrong.toml"
    hostile.write_text('[run]\nname = "[red]\\u001b[2J\\u202e"\nsede = 3\n', encoding="utf-8")
    (tmp_path / "configs" / "broken.toml").write_text("[run", encoding="utf-8")
    app = DempoApp(tmp_path / "runs", INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await form_on(pilot, f"{tmp_path}/conf")
        await wait_for(pilot, "broken.toml", "wrong.toml")
        await pilot.press(*"wro", "enter")
        text = await wait_for(pilot, "run.sede", "✗ run.name", "[red]")
        assert "\x1b" not in text
        assert "\u202e" not in text
        await until(pilot, lambda: "cannot be started" in flowing(app) and "is not a known key" in flowing(app))
        await pilot.press("o")
        await paste(pilot, str(tmp_path / "configs" / "broken.toml"))
        await pilot.press("enter")
        await wait_for(pilot, "is not valid TOML")
        await pilot.press("o", *"no such thing", "enter")
        await wait_for(pilot, "there is no file no such thing")


async def test_a_clone_shows_the_values_of_the_run(tmp_path: Path) -> None:
    root = sample_run.make_sample_run(tmp_path)
    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "✓ completed")
        await pilot.press("c")
        await wait_for(pilot, f"from run {root.name}", f"$ dempo clone {root.name} --detach", f"run {root.name[:12]}")
        await pilot.press("escape", "enter")
        await wait_for(pilot, "1 Overview")
        await pilot.press("c")
        await wait_for(pilot, f"from run {root.name}")


async def test_the_demo_is_made_by_its_command_and_a_refusal_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the folder of runs is a file, no world can be written; the app says the command's sentence."""
    runs = tmp_path / "runs"
    runs.write_text("", encoding="utf-8")
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "Not a directory" in flowing(app))
        await pilot.press("d", "d")
        await wait_for(pilot, "writing the simulated world", "is being made already")
        await until(
            pilot, lambda: "cannot write the planted world" in flowing(app) or "Not a directory" in flowing(app)
        )


async def test_keys_in_a_list_that_offers_nothing_or_is_not_drawn_yet_do_nothing(tmp_path: Path) -> None:
    """Textual fails over an empty list, one without room, and a search for spaces."""
    async with DempoApp(tmp_path, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await pilot.press("n", "pagedown", "pageup", *"zzz", "pagedown", "up", "enter")
        await wait_for(pilot, "there is no file zzz")
        await pilot.press("escape", "ctrl+p", "space", "pageup", "down", *"zzz", "pagedown", "enter")
        await pilot.resize_terminal(1, 1)
        await pilot.press("ctrl+u", "pagedown", "pageup", "space", "escape")
        await pilot.resize_terminal(80, 24)
        await wait_for(pilot, "There are no runs")


@pytest.mark.long
async def test_a_demo_runs_on_when_the_app_is_closed(tmp_path: Path) -> None:
    from core.run_folder import RunFolder
    from tui.commands.runs import engine

    app = DempoApp(tmp_path, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "no runs")
        await pilot.press("d")
        await until(pilot, lambda: "● running" in shown(app))
    root = the_only_run(tmp_path)
    assert Reader(root).engine_pid() is not None
    engine.request_stop(root)
    for _ in range(600):
        if Reader(root).engine_pid() is None:
            break
        await asyncio.sleep(0.1)
    assert Reader(root).status() == "stopped"
    assert not RunFolder(root).stop_request.exists()


# ---------------------------------------------------------------- what it rests on


def test_the_command_in_sight_is_the_one_that_is_run(tmp_path: Path) -> None:
    runs = tmp_path / "a folder of runs"
    words = RunSource("file", str(ASSEMBLY)).words(["run.name=a-name", "lotteries.0.size=10"], "lottery")
    seen = shlex.split(command_line(*words, runs=runs))
    assert seen == ["dempo", *words, "--runs-dir", str(runs)]
    root = launch(words, runs)
    assert root.name.endswith("-a-name")
    assert root.parent == runs


def test_a_demo_whose_world_is_not_written_can_be_started_and_its_file_alone_says_the_way(tmp_path: Path) -> None:
    found = look(DEMO, ["run.seed=4"], None, tmp_path)
    assert found.refused == ""
    assert [note for note in found.notes if "simulated world is written" in note]
    assert "training: memory" in {row["name"] for row in found.rows}
    assert look(DEMO, [], "lottery", tmp_path).rows == ()
    alone = look(RunSource("file", str(ASSEMBLY.with_name("demo.toml"))), [], None, tmp_path)
    assert "`dempo demo` writes a planted world" in alone.refused
    assert list(tmp_path.iterdir()) == []


def test_every_value_is_written_so_that_set_reads_the_same(tmp_path: Path) -> None:
    for source in (RunSource("file", str(ASSEMBLY)), DEMO):
        reading = read_form(source, [], tmp_path)
        changes = [f"{row.key}={row.written}" for row in reading.rows if row.kind == "value" and row.written]
        assert len(changes) > 20
        again = read_form(source, changes, tmp_path)
        assert again.wrong == ""
        assert [row.written for row in again.rows] == [row.written for row in reading.rows]


@pytest.mark.parametrize(
    "value", ["plain", "12", "true", " edge ", "a\nb", 'quo"te\\', "\x1b[2J", "‮", "", "[1]", "1979-05-27", "k = 2"]
)
def test_a_text_that_toml_would_take_for_something_else_is_quoted(value: str) -> None:
    assert parse_override(f"key={written(value)}") == (("key",), value)


def test_two_values_that_go_together_are_changed_one_after_the_other(tmp_path: Path) -> None:
    assert wrong_with(DEMO, ["train.batch=30"], "train.batch", tmp_path) == (
        "",
        "train: batch (30) must be a multiple of micro_batch (16)",
    )
    assert wrong_with(DEMO, ["train.batch=30", "train.micro_batch=10"], "train.micro_batch", tmp_path) == ("", "")
    wrong = {row.key: row.wrong for row in read_form(DEMO, ["train.batch=30"], tmp_path).rows if row.wrong}
    assert wrong == {"train": "batch (30) must be a multiple of micro_batch (16)"}


def test_changes_are_taken_back_one_by_one_and_all_at_once() -> None:
    changes = Changes()
    changes.change("train.steps", "5")
    changes.change("train.tiny.steps", "6")
    changes.change("train.tiny", "{steps = 7}")
    assert changes.overrides == ("train.steps=5", "train.tiny={steps = 7}")
    assert changes.undo_all()
    assert changes.overrides == ()
    assert changes.undo()
    assert changes.undo()
    assert changes.overrides == ("train.steps=5", "train.tiny.steps=6")
    assert changes.undo()
    assert changes.undo()
    assert not changes.undo()


def test_paths_are_completed_as_they_are_typed_and_a_closed_folder_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.toml", "other.txt", ".hidden.toml"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert completions(f"{tmp_path}/") == ([f"{tmp_path}/folder/", f"{tmp_path}/one.toml"], "")
    assert completions(f"{tmp_path}/o") == ([f"{tmp_path}/one.toml"], "")
    assert completions(f"{tmp_path}/.h") == ([f"{tmp_path}/.hidden.toml"], "")
    assert completions(f"{tmp_path}/none/at/all") == ([], "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert completions("~/o") == (["~/one.toml"], "")
    assert completions("~nobody-of-this-name/") == ([], "")

    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", closed)
    assert completions(f"{tmp_path}/o") == ([], f"{tmp_path}: Permission denied")
