"""What the shell completes after a command: the names of runs. No record is read, since it is asked at every key."""

from __future__ import annotations

from pathlib import Path

import typer

from tui.commands import DEFAULT_RUNS


def run_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The runs that begin with what is typed, newest first, in the folder that the command line or DEMPO_RUNS names."""
    try:
        found = [folder.name for folder in _runs(ctx).iterdir() if (folder / "audit.db").is_file()]
    except OSError:
        return []  # a folder that can't be read has nothing to complete
    return sorted((name for name in found if name.startswith(incomplete)), reverse=True)


def _runs(ctx: typer.Context) -> Path:
    """--runs-dir of the command, else of those before it."""
    context: typer.Context | None = ctx
    while context is not None:
        source = context.get_parameter_source("runs_dir")
        if source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"):
            return Path(context.params["runs_dir"])
        context = context.parent  # type: ignore[assignment]
    return Path(DEFAULT_RUNS)
