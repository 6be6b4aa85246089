"""`dempo list`, `watch`, `stop` and `remove`: runs as they lie in their folder."""

from __future__ import annotations

from core.visible import visible
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import Json, RunName, RunsDir, print_json, tell


def stop(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Ask a run's engine to stop; it goes on from the last recorded unit when resumed."""
    from tui.commands.runs.engine import request_stop

    root = find_run(name, runs_dir)
    request_stop(root)
    tell(f"{root.name} stops at the next safe point; `dempo resume` goes on from the last recorded unit")


def remove(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Remove a run that was cut off before its first event; no other."""
    from storage.record.create import remove_run

    root = find_run(name, runs_dir)
    remove_run(root)
    tell(f"removed {visible(str(root))}, in which nothing was recorded")


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
