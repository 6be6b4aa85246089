"""Which run and which folder of runs a command line names, and what the shell completes of it: the names of runs.

No record is read for completion, which is asked for at every key; and `--help` loads nothing that reads one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tui.terminal.command_line import DEFAULT_RUNS


def nearest_runs(ctx: typer.Context, runs_dir: Path) -> Path:
    """The folder that was named on the command line, behind the command or before it; else what there is without.

    Without this, the environment would win over what stands before the command.
    """
    level: Any = ctx
    while level is not None:
        source = level.get_parameter_source("runs_dir")
        if source is not None and source.name == "COMMANDLINE":
            return runs_dir if level is ctx else Path(level.params["runs_dir"])
        level = level.parent
    return runs_dir


def run_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The runs that begin with what is typed, newest first, in the folder that the command line or DEMPO_RUNS names."""
    from storage.errors import StorageError
    from storage.record.run_folders import run_folders

    try:
        found = run_folders(nearest_runs(ctx, Path(ctx.params.get("runs_dir") or DEFAULT_RUNS)))
    except StorageError:
        return []  # a folder that can't be read has nothing to complete
    return [root.name for root in found if root.name.startswith(incomplete)]


def run_or_file_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """`run_names`, and the files and folders that begin with what is typed."""
    folder, _, begun = incomplete.rpartition("/")
    inside = Path(folder or ("/" if incomplete.startswith("/") else "."))
    try:
        found = sorted(path for path in inside.iterdir() if path.name.startswith(begun))
    except OSError:
        found = []
    before = incomplete[: len(incomplete) - len(begun)]
    return run_names(ctx, incomplete) + [f"{before}{path.name}{'/' if path.is_dir() else ''}" for path in found]


def find_run(name: str, runs: Path) -> Path:
    """The folder of a run, as `storage.record.reader.find_run` finds it."""
    from storage.record import reader

    return reader.find_run(name, runs)
