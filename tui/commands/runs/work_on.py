"""What `run`, `resume`, `clone` and their like end with: work on a run here, or an engine that is started for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from core.errors import InfeasibleQuotas
from core.visible import visible
from tui.terminal.console import Console
from tui.terminal.options import print_data, print_json
from tui.terminal.telling import tell


def work_on(
    root: Path, until: str | None, detach: bool, quiet: bool, as_json: bool, overrides: Sequence[str] = ()
) -> None:
    """Works on a run here, or starts an engine for it; prints the run's results at the end."""
    if detach:
        from tui.commands.runs import engine

        pid = engine.resume(root, until, overrides)
        print_data({"run_id": root.name, "path": str(root), "pid": pid}, as_json, visible(str(root)))
        tell(f"engine started as process {pid}; `dempo watch {root.name}` follows it")
        return
    from tui.commands.runs.process import work

    console = Console(quiet)
    console.say(f"run {root.name}")
    try:
        code = work(root, until, console, overrides)
    except InfeasibleQuotas as error:
        if as_json:
            print_json({"run_id": root.name, "path": str(root), "infeasible": error.details})
        raise
    from storage.record.reader import Reader
    from tui.commands.record.show import results, tell_undecided, what_next

    reader = Reader(root)
    tell_undecided(reader)
    if code:
        tell(f"stopped; `dempo resume {root.name}` goes on from here")
        raise typer.Exit(code)
    results(reader, as_json)
    for line in what_next(reader):
        console.say(line)
