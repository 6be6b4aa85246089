"""An operator's way through the app in tmux at 80×24, without a mouse."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sample_run
from commands import answered, dempo
from night import NIGHT
from tmux import Tmux, tmux

from core.errors import DempoError
from storage.record.reader import Reader
from storage.record.run_folders import run_folders
from tui.commands.runs.engine import request_stop

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

AT_WORK = (
    ("1", "› Overview", "✓ completed"),
    ("2", "› Quotas", "lottery [main]"),
    ("3", "› Draw", "draw [main]"),
    ("4", "› Training", "loss (nats)"),
    ("5", "› Rankings", "no judge call is recorded yet"),
    ("6", "› Leaderboards", "no leaderboard is recorded yet"),
    ("7", "› Record", "newest first"),
)
"""Each tab of a run that trains, by its key, and words that it shows."""

WHOLE_DEMO = 600.0
"""Seconds in which a demo ends on a machine with much other work."""


@pytest.mark.long
def test_a_command_is_copied_into_tmux(tmp_path: Path) -> None:
    root = sample_run.make_sample_run(tmp_path / "runs")
    with tmux(tmp_path) as terminal:
        terminal.start("--runs-dir", str(tmp_path / "runs"))
        terminal.wait_for("✓ completed", "q Quit")
        terminal.press("Enter")
        terminal.wait_for("7 Record", "recorded")
        terminal.press("y")
        terminal.wait_for("Command", "dempo show")
        terminal.press("c")
        terminal.wait_for("copied", "tmux")
        assert terminal.buffer() == f"dempo show {root.name} --runs-dir {tmp_path / 'runs'}"
        terminal.press("C-c")
        terminal.wait_for("nothing is selected")
        terminal.press("q")
        terminal.wait_for("ended with 0", absent="7 Record")


def engines(runs: Path) -> dict[Path, int]:
    """The process that works on each run."""
    found = {}
    for root in run_folders(runs):
        with suppress(DempoError):
            pid = Reader(root).engine_pid()
            if pid is not None:
                found[root] = pid
    return found


@contextmanager
def ending_engines(runs: Path) -> Iterator[None]:
    """Engines outlive the app that started them, but not the test: they are asked to stop, and then ended."""
    try:
        yield
    finally:
        for root in engines(runs):
            with suppress(DempoError, OSError):
                request_stop(root)
        end = time.monotonic() + 20
        while engines(runs) and time.monotonic() < end:
            time.sleep(0.2)
        for pid in engines(runs).values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def stop_by_keys(terminal: Tmux) -> None:
    terminal.press("s")
    terminal.wait_for("at the next safe point?", "Yes (y)")
    terminal.press("y")
    terminal.wait_for("■ stopped", "r Resume")


def verify_by_keys(terminal: Tmux, runs: Path) -> None:
    """Verifies the only run; its row has the badge then, and the app's command is one that says the same."""
    (root,) = run_folders(runs)
    terminal.press("v")
    terminal.wait_for("✓ completed", "nothing that was checked is wrong", "✓ ok", f"$ dempo verify {root.name}")
    terminal.press("Escape")
    checks = answered(dempo("verify", root.name, "--runs-dir", runs, "--json"))["checks"]
    held = sum(check["verdict"] == "ok" for check in checks)
    terminal.wait_for("state", "proof", f" {held} now", f"verified within the last hour: {held} ok")


@pytest.mark.long
@pytest.mark.night
@pytest.mark.timeout(1200)
def test_an_operator_takes_a_demo_from_nothing_to_a_bundle(tmp_path: Path) -> None:
    """At night until it is completed, verified and exported; else it is stopped once more, and that record verified."""
    runs, bundle = tmp_path / "runs", tmp_path / "demo.zip"
    runs.mkdir()
    with ending_engines(runs), tmux(tmp_path) as terminal:
        terminal.start("--runs-dir", str(runs))
        terminal.wait_for("There are no runs in", "d   a demo")
        terminal.press("d")
        terminal.wait_for("● running", "  train  ", " %", "s Stop")
        terminal.press("Enter")
        for key, *words in AT_WORK:
            terminal.press(key)
            terminal.wait_for("● running", *words)
        terminal.press("q")
        terminal.wait_for("ended with 0", absent="7 Record")
        assert engines(runs), "the engine ended with the app"

        terminal.start_again("--runs-dir", str(runs))
        terminal.wait_for("● running", "  train  ", "s Stop")
        stop_by_keys(terminal)
        assert not engines(runs)
        terminal.press("r")
        terminal.wait_for("● running", "  train  ", "s Stop")
        if NIGHT:
            terminal.wait_for("✓ completed", patience=WHOLE_DEMO)
        else:
            stop_by_keys(terminal)
        verify_by_keys(terminal, runs)
        if NIGHT:
            export_by_keys(terminal, bundle)
            came = answered(dempo("import", bundle, "--runs-dir", tmp_path / "other", "--json"))
            assert {check["verdict"] for check in came["checks"]} == {"ok", "unknown"}, "unknown: no head is signed"
        terminal.press("q")
        terminal.wait_for("ended with 0")


def export_by_keys(terminal: Tmux, bundle: Path) -> None:
    terminal.press("e")
    terminal.wait_for("to a file that is not there yet")
    terminal.press("C-u")
    terminal.wait_for("--to .")
    terminal.press(str(bundle))
    terminal.wait_for(bundle.name)
    terminal.press("Enter")
    terminal.wait_for("✓ completed", "the bundle is written", "SHA-256")
    terminal.press("Escape")
    terminal.wait_for("proof")
