"""`dempo list`, `watch`, `stop` and `remove`: runs as they lie in their folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from core.errors import InputError
from core.visible import visible
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import Json, RunName, RunsDir, print_json
from tui.terminal.telling import tell


def stop(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Ask a run's engine to stop; it goes on from the last recorded unit when resumed."""
    from tui.commands.runs.engine import request_stop

    root = find_run(name, runs_dir)
    request_stop(root)
    tell(f"{root.name} stops at the next safe point; `dempo resume` goes on from the last recorded unit")


def remove(
    name: RunName,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it although something is recorded in it.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words; the registry keeps it.")] = "",
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Remove a run for good; one that was begun needs --yes, and the registry keeps that it was here."""
    from storage.removal import removal_of, remove_run

    root = find_run(name, runs_dir)
    goes = removal_of(root)
    if goes.begun and not yes:
        told = f"something is recorded in {root}; --yes removes it for good: {goes.told()}"
        raise InputError(visible(f"{told}. `dempo verify` of the runs beside it will name it"))
    done = remove_run(root, reason)
    entered = f"; registry.db keeps that it was here (entry {done.entry})" if done.entry else ""
    said = (
        f"removed {done.path}: {goes.told()}{entered}"
        if done.begun
        else (f"removed {done.path}, in which nothing was recorded")
    )
    if as_json:
        print_json(asdict(done))
    else:
        tell(visible(said))


def list_command(runs_dir: RunsDir = _RUNS, as_json: Json = False) -> None:
    """List the runs, newest first."""
    from storage.record.reader import list_runs
    from tui.commands.runs.listing import columns_of, rows_of

    rows = rows_of(list_runs(runs_dir), more=as_json)
    if as_json:
        print_json({"runs": rows})
    elif not rows:
        tell(f"no runs in {visible(str(runs_dir))} yet; `dempo demo` makes one")
    else:
        print(tables.table(rows, columns_of(rows)))


def watch(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Follow a run's record until its engine ends."""
    from storage.record.reader import Reader
    from tui.commands.runs.watch import follow

    follow(Reader(find_run(name, runs_dir)))
