"""The command line that does the same as an action of the app, to show beside it."""

from __future__ import annotations

import shlex
from pathlib import Path

DEFAULT_RUNS = Path("runs")
RUNS_OPTION, RUNS_VARIABLE = "--runs-dir", "DEMPO_RUNS"
"""What names another folder of runs, for every command and for the app."""


def command_line(*words: str, runs: Path) -> str:
    """`dempo` with these words, quoted for a shell; the folder of the runs only where it isn't the usual one."""
    where = () if runs == DEFAULT_RUNS else (RUNS_OPTION, str(runs))
    return shlex.join(("dempo", *words, *where))
