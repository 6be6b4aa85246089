"""What one looks at can be copied: to the terminal, to tmux, and always to a file that only its owner reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from test_app import INTERVAL, shown, until, wait_for

from tui.app import DempoApp
from tui.screens.run import RunScreen
from tui.terminal.clipboard import give_to_tmux, keep_copy
from tui.user_folders import state_folder

HOSTILE = "[red]a\x1b]52;c;AAAA\x07\u202eb\r\n\ud800"


def copied() -> str:
    path = state_folder() / "copied.txt"
    return path.read_bytes().decode("utf-8", "surrogatepass") if path.exists() else ""


def test_a_copy_is_kept_as_it_is_for_its_owner_alone() -> None:
    path = keep_copy("before, and longer than what comes behind it " * 9)
    assert keep_copy(HOSTILE) == path
    assert path is not None
    assert copied() == HOSTILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_no_file_can_be_written_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert keep_copy("text") is None


@pytest.mark.parametrize("old", [False, True], ids=["3.2", "before 3.2"])
def test_tmux_is_handed_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    """A program by that name, which takes `-w` or is too old for it."""
    program = tmp_path / "tmux"
    refuses = 'case "$*" in *-w*) exit 1;; esac\n' if old else ""
    program.write_text(f'#!/bin/sh\n{refuses}echo "$@" > {tmp_path}/words\ncat > {tmp_path}/buffer\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("TMUX", raising=False)
    assert not give_to_tmux(HOSTILE)
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    assert give_to_tmux(HOSTILE)
    assert (tmp_path / "buffer").read_bytes().decode("utf-8", "surrogatepass") == HOSTILE
    assert (tmp_path / "words").read_text() == ("load-buffer -\n" if old else "load-buffer -w -\n")


async def test_value_hash_command_and_path_of_an_event(runs: Path) -> None:
    (root,) = (path for path in runs.iterdir() if path.is_dir() and path.name[0] == "2")
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("enter", "7")
        await wait_for(pilot, "newest first")
        found = {}
        for key in "vhcp":
            await pilot.press("y")
            await wait_for(pilot, "Value", "Hash", "Command", "Path")
            before = copied()
            await pilot.press(key)
            await until(pilot, lambda before=before: copied() != before)
            found[key] = copied()
    head = found["c"].split()[-3]
    assert found["c"] == f"dempo show {root.name} --event {head} --runs-dir {runs}"
    assert found["p"] == str(root)
    assert found["v"].startswith("{")
    assert len(found["h"]) == 64


async def test_every_tab_has_something_to_copy(runs: Path) -> None:
    """The row under the cursor, or the whole text or table; and the head of the record."""
    root = next(path for path in runs.iterdir() if path.name.endswith("-sample"))
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("enter")
        for tab, shows, wanted in (
            ("1", "recorded", "stage"),
            ("2", "k = 4", "age\t18-34"),
            ("3", "probability", "18-34"),
            ("4", "reward margin", "condition"),
            ("5", "Clause", "Clause"),
            ("6", "Recovery", "Leaderboards"),
        ):
            await pilot.press(tab)
            await wait_for(pilot, shows)
            screen = app.screen
            assert isinstance(screen, RunScreen)
            await until(pilot, lambda screen=screen, wanted=wanted: wanted in screen.copyable()[0].text)
            offered = {one.what: one.text for one in screen.copyable()}
            assert offered["command"].startswith(f"dempo show {root.name}")
            assert len(offered["hash"]) == 64


async def test_ctrl_c_copies_what_is_selected_and_else_says_how_to_quit(runs: Path) -> None:
    app = DempoApp(runs, INTERVAL)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, "completed")
        await pilot.press("ctrl+c")
        await wait_for(pilot, "nothing is selected")
        assert app.is_running
        await pilot.press("n")
        await wait_for(pilot, "configuration")
        await pilot.press(*"abc", "shift+home", "ctrl+c")
        await until(pilot, lambda: copied() == "abc")
        assert "abc" in shown(app)
