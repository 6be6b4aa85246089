"""The app in other people's terminals: its theme is theirs, no size breaks it, and no key is taken for an answer."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sample_run import copy_prefix
from terminal import Terminal, dempo
from test_app import INTERVAL, until, wait_for

from storage.record.reader import Progress, Reader
from tui.app import DempoApp
from tui.look.app_settings import AppSettings
from tui.look.background import Background, is_light, without_answers
from tui.look.themes import DARK, LIGHT
from tui.screens.panes.overview import OverviewPane, _facts, stage_rows
from tui.screens.run import read_pulse

KEPT = """# how I like it
other = "stays"

[later]
theme = "of another table"
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


# ---------------------------------------------------------------- what is kept


def test_a_theme_is_kept_beside_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "dempo" / "app.toml"
    assert AppSettings(path).keep_theme("nord") == ""
    assert path.read_text() == 'theme = "nord"\n'
    path.write_text(KEPT)
    settings = AppSettings(path)
    assert (settings.theme, settings.problem) == ("", "")
    assert [settings.keep_theme(name) for name in ("gruvbox", LIGHT)] == ["", ""]
    assert path.read_text() == f'theme = "{LIGHT}"\n{KEPT}'
    assert AppSettings(path).theme == LIGHT
    assert [found.name for found in path.parent.iterdir()] == ["app.toml"]


@pytest.mark.parametrize(
    ("held", "told"), [("theme = dark", "not a file of settings"), ("theme = 7", "give a name in quotes")]
)
def test_a_file_that_cannot_be_used_is_said_and_not_lost(tmp_path: Path, held: str, told: str) -> None:
    path = tmp_path / "app.toml"
    path.write_text(held)
    settings = AppSettings(path)
    assert told in settings.problem
    assert path.read_text() == held, "until something is chosen"
    said = settings.keep_theme("nord")
    assert AppSettings(path).theme == "nord"
    assert held in (found.read_text() for found in tmp_path.iterdir()) or held == "theme = 7"
    assert ("is now in" in said) == ("not a file" in told)


def test_settings_that_lead_elsewhere_stay_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles.toml").write_text("# mine\n")
    (tmp_path / "app.toml").symlink_to("dotfiles.toml")
    assert AppSettings(tmp_path / "app.toml").keep_theme("nord") == ""
    assert (tmp_path / "dotfiles.toml").read_text() == 'theme = "nord"\n# mine\n'


async def test_the_theme_that_is_chosen_is_that_of_the_next_session(tmp_path: Path) -> None:
    path = tmp_path / "app.toml"
    app = DempoApp(tmp_path, INTERVAL, settings=AppSettings(path), background=Background())
    async with app.run_test() as pilot:
        assert app.theme == DARK
        app.action_themes()
        await pilot.pause()
        await pilot.press(*"nord", "enter")
        await until(pilot, lambda: path.exists() and app.theme == "nord")
    assert DempoApp(tmp_path, settings=AppSettings(path)).theme == "nord"


async def test_what_the_environment_says_comes_first_and_a_theme_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, light = tmp_path / "app.toml", Background()
    light.light = True
    path.write_text('theme = "nord"')
    assert DempoApp(tmp_path, background=light).theme == LIGHT
    assert DempoApp(tmp_path, settings=AppSettings(path), background=light).theme == "nord"
    path.write_text('theme = "nrod"')
    app = DempoApp(tmp_path, INTERVAL, settings=AppSettings(path), background=light)
    assert app.theme == LIGHT
    async with app.run_test(notifications=True) as pilot:
        await wait_for(pilot, "'nrod'", "Ctrl+P")
    monkeypatch.setenv("TEXTUAL_THEME", DARK)
    assert DempoApp(tmp_path, settings=AppSettings(path), background=light).theme == DARK
    monkeypatch.setenv("NO_COLOR", "1")
    assert DempoApp(tmp_path, settings=AppSettings(path), background=light).theme == "ansi-dark"


# ---------------------------------------------------------------- the terminal's background

ANSWER = "\x1b]11;rgb:fafa/fafa/f5f5\x1b\\"
KNOWN = "\x1b[?62;22c"


@pytest.mark.parametrize(
    ("said", "light"),
    [
        (b"\x1b]11;rgb:fdfd/f6f6/e3e3\x07\x1b[?1;2c", True),
        (b"\x1b]11;rgba:fd/f6/e3/ff\x1b\\", True),
        (b"q\x1b]11;rgb:0/0/0\x1b\\", False),
        (b"\x1b[?1;2c", None),
        (b"\x1b]11;rgb:zz/0/0\x07", None),
    ],
)
def test_the_answer_of_a_terminal_is_read(said: bytes, light: bool | None) -> None:
    assert is_light(said) is light


def test_answers_are_taken_out_of_what_is_typed_wherever_they_are_cut() -> None:
    whole = f"ab{ANSWER}c\x1b[A{KNOWN}\x1b[?2026;2$y\x1b"
    for cut in range(len(whole) + 1):
        kept, held = without_answers(whole[:cut])
        if whole[:cut].endswith(("\x1b", "\x1b]", "\x1b[")):
            continue  # Escape and Alt+] are keys: they cannot wait for what may follow
        more, rest = without_answers(held + whole[cut:])
        assert (kept + more, rest) == ("abc\x1b[A\x1b[?2026;2$y\x1b", ""), cut


def _answering(terminal: Terminal, answer: str) -> None:
    terminal.wait_for("\x1b]11;?")
    terminal.send(answer)


@pytest.mark.long
def test_a_light_terminal_has_the_light_theme(runs: Path, tmp_path: Path) -> None:
    with dempo("--runs-dir", runs, XDG_CONFIG_HOME=str(tmp_path), COLORTERM="truecolor") as terminal:
        _answering(terminal, f"{ANSWER}{KNOWN}")
        terminal.wait_for("completed", "252;251;248")
        terminal.send("q")
        assert terminal.ended() == 0
    assert not [*tmp_path.iterdir()], "nothing was chosen"


@pytest.mark.long
def test_what_is_typed_before_the_answer_is_not_lost(runs: Path, tmp_path: Path) -> None:
    with dempo("--runs-dir", runs, XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        _answering(terminal, f"q{ANSWER}{KNOWN}")
        assert terminal.ended() == 0


@pytest.mark.long
def test_an_answer_that_comes_late_is_no_key(runs: Path, tmp_path: Path) -> None:
    """Its letters would stop, resume and delete."""
    with dempo("--runs-dir", runs, XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        terminal.wait_for("completed", "Quit")
        terminal.rest()
        before = len(terminal.raw)
        terminal.send(ANSWER[:9])
        terminal.read(0.5)
        terminal.send(ANSWER[9:] + KNOWN)
        assert terminal.read(2) == 0, terminal.raw[before:]
        terminal.send("\r")
        terminal.wait_for("1 Overview", since=before)


@pytest.mark.long
@pytest.mark.parametrize("said", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"TEXTUAL_THEME": DARK}])
def test_nobody_is_asked_where_it_does_not_matter(runs: Path, tmp_path: Path, said: dict[str, str]) -> None:
    with dempo("--runs-dir", runs, XDG_CONFIG_HOME=str(tmp_path), **said) as terminal:
        terminal.wait_for("completed")
        assert b"\x1b]11;?" not in terminal.raw


# ---------------------------------------------------------------- any size

SIZES = [(1, 1), (2, 3), (10, 4), (39, 12), (60, 20), (80, 24), (99, 30), (100, 31), (120, 40), (200, 60), (300, 80)]


@pytest.mark.long
async def test_no_size_breaks_a_tab_or_a_dialog(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:

        async def through_all_sizes() -> None:
            for size in (*SIZES, *reversed(SIZES)):
                await pilot.resize_terminal(*size)
                await asyncio.sleep(0.02)
            await pilot.resize_terminal(80, 24)

        await wait_for(pilot, "sample", "completed")
        for dialog in ("", "n", "question_mark", "ctrl+p"):
            await pilot.press(*filter(None, [dialog]))
            await through_all_sizes()
            await pilot.press(*filter(None, [dialog and "escape"]))
        await pilot.press("enter")
        await wait_for(pilot, "1 Overview")
        for tab in "1234567":
            await pilot.press(tab)
            await pilot.pause(0.3)
            await through_all_sizes()
            await wait_for(pilot, "7 Record")
        for dialog in ("g", "f", "t"):
            await pilot.press(dialog)
            await through_all_sizes()
            await pilot.press("escape")


# ---------------------------------------------------------------- no word that was true a moment ago


def _overview(runs: Path, folder: Path, events: int, note: Progress) -> tuple[str, dict[str, list[str]]]:
    """What the overview says of a run that an engine is at, after so many events."""
    copy = copy_prefix(next(path for path in runs.iterdir() if path.is_dir()), folder, events)
    found = OverviewPane.read(Reader(copy), None)
    pulse = replace(read_pulse(Reader(copy)), status="running", pid=7, progress=note)
    rows = {name: [str(cell) for cell in cells] for name, cells in stage_rows(found, pulse, 10)}
    return str(_facts(found, pulse)), rows


def _seq(runs: Path, kind: str, stage: str) -> int:
    (seq,) = (
        row["seq"]
        for root in runs.iterdir()
        if root.is_dir()
        for row in Reader(root).view("events")
        if row["kind"] == kind and row["payload"].find(f'"name":"{stage}"') >= 0
    )
    return int(seq)


def test_the_engine_is_said_to_be_at_the_stage_that_it_is_at(runs: Path, tmp_path: Path) -> None:
    """Its note is about the last long piece of work, which may be over."""
    note = Progress("pairs", 1, 1, "building pairs", "2026-01-01T00:00:00+00:00")
    said, rows = _overview(runs, tmp_path / "stale", _seq(runs, "stage.started", "lottery"), note)
    assert said.endswith("process 7 · lottery")
    assert rows["lottery"][1] == "● running"
    assert re.fullmatch(r"\d+ h \d\d m|\d+ m \d\d s|[\d.]+ s", rows["lottery"][4]), "how long it has been at it"
    note = replace(note, stage="lottery", done=1, total=4, detail="panel 3")
    assert _overview(runs, tmp_path / "fresh", _seq(runs, "stage.started", "lottery"), note)[0].endswith(
        "process 7 · lottery 25 % panel 3"
    )


async def test_brackets_are_offered_where_there_is_another(runs: Path, tmp_path: Path) -> None:
    copy_prefix(next(path for path in runs.iterdir() if path.is_dir()), tmp_path, _seq(runs, "stage.started", "draw"))
    for folder, offered in ((runs, True), (tmp_path, False)):
        async with DempoApp(folder, INTERVAL).run_test(size=(80, 24), notifications=True) as pilot:
            await wait_for(pilot, "sample")
            await pilot.press("enter", "2")
            await wait_for(pilot, "[panel4]")
            await pilot.press("3")
            await wait_for(pilot, *(["[main]", "] Next"] if offered else ["no draw"]), absent="" if offered else "Next")
