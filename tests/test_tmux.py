"""An operator's way through the app in tmux at 80×24, without a mouse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sample_run
from tmux import tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


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
