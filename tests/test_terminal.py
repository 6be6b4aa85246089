"""The app in a real terminal: silent where nothing changes, and whatever ends it, the terminal is as it was."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path

import pytest
from sample_run import make_sample_run
from slow_writer import growing
from strangers import as_a_stranger
from terminal import Terminal, dempo

RESTORED = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[<u")
"""The other screen left, mouse reports off, the cursor shown, pasting and keys as before."""


def opened(terminal: Terminal) -> None:
    terminal.wait_for("completed", "SIMULATED", "Quit")
    terminal.rest()


@pytest.mark.long
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_nothing_is_written_while_nothing_changes(runs: Path, size: tuple[int, int]) -> None:
    """On a connection every repaint is paid for, and a run is looked at for days."""
    with dempo("--runs-dir", runs, size=size) as terminal:
        opened(terminal)
        assert terminal.read(3.5) == 0, "the list"
        terminal.send("\r")
        terminal.wait_for("Overview", since=len(terminal.raw))
        for key in "1234567":
            terminal.send(key)
            terminal.read(1)
            terminal.rest()
            assert terminal.read(3.5) == 0, f"tab {key}"
        terminal.send("?")
        terminal.wait_for("Keys", since=len(terminal.raw))
        terminal.rest()
        assert terminal.read(3.5) == 0, "help over a run"


@pytest.mark.long
@pytest.mark.parametrize(("stage", "tabs"), [("train", "147"), ("judge", "57")])
def test_little_is_written_while_a_run_grows(tmp_path: Path, stage: str, tabs: str) -> None:
    """What changed is painted once a second; the whole screen, or the same twice, would be more than this."""
    most, seconds = 10_000, 6.0
    with growing(tmp_path, stage), dempo("--runs-dir", tmp_path) as terminal:
        terminal.wait_for("1 running")
        terminal.read(3)
        assert 0 < terminal.read(seconds) < most * seconds, "the list"
        terminal.send("\r")
        terminal.wait_for("Overview", since=len(terminal.raw))
        for key in tabs:
            terminal.send(key)
            terminal.read(5)
            assert 0 < terminal.read(seconds) < most * seconds, f"tab {key}"


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(runs: Path, number: signal.Signals) -> None:
    import os

    with dempo("--runs-dir", runs) as terminal:
        opened(terminal)
        os.kill(terminal.pid, number)
        before = len(terminal.raw)
        code = terminal.ended()
        assert [mode for mode in RESTORED if mode not in terminal.raw[before:]] == []
        assert b"Traceback" not in terminal.raw
        if number != signal.SIGINT:  # Textual's own, and ctrl+c is a key
            assert code == 128 + number


@pytest.mark.long
@pytest.mark.parametrize("before", [[], ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]], ids=["plain", "nohup"])
@pytest.mark.parametrize("keys", ["", "\r"], ids=["list", "run"])
def test_it_ends_when_its_terminal_is_gone(runs: Path, before: list[str], keys: str) -> None:
    """Where hanging up is ignored (nohup), reading from what is gone would take a core for ever."""
    with dempo("--runs-dir", runs, before=before) as terminal:
        opened(terminal)
        terminal.send(keys)
        terminal.read(2)
        begun = time.monotonic()
        terminal.hang_up()
        assert terminal.ended() == 128 + signal.SIGHUP
        assert time.monotonic() - begun < 60


@pytest.mark.long
def test_closing_it_is_no_failure(runs: Path) -> None:
    with dempo("--runs-dir", runs) as terminal:
        opened(terminal)
        terminal.send("q")
        assert terminal.ended() == 0


@pytest.mark.long
def test_a_folder_of_somebody_else_is_a_line_of_the_list(tmp_path: Path) -> None:
    make_sample_run(tmp_path)
    closed = tmp_path / "20990101-000000-theirs"
    closed.mkdir(mode=0)
    try:
        with dempo("--runs-dir", tmp_path, before=as_a_stranger()) as terminal:
            terminal.wait_for("? unreadable", "✓ completed", "2 runs", "Permission")
            terminal.rest()
            before = len(terminal.raw)
            terminal.send("rs\r")  # all that can be tried on the one that is closed
            terminal.wait_for("7 Record", "Permission", "no engine works on", since=before)
            terminal.send("7r1t\x1b")
            terminal.read(2)
            terminal.send("\x1b[B\r")
            terminal.wait_for("all stages are recorded")
            terminal.send("q")
            assert terminal.ended() == 0, shlex.quote(repr(terminal.raw[-500:]))
    finally:
        closed.chmod(0o755)
