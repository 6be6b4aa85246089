"""`dempo run`, `resume`, `clone` and `demo`: what works through stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui.commands.runs.work_on import work_on
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import Detach, Json, Quiet, RunName, RunsDir, Set, Until, tell_notes


def run(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML); `dempo examples` has some.")],
    until: Until = None,
    overrides: Set = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Create a run from a configuration and work through its stages."""
    from tui.commands.starting.beginning import from_file

    _check_until(until)
    root = from_file(config).make(overrides or (), until, runs_dir, tell_notes)
    work_on(root, until, detach, quiet, as_json)


def resume(
    name: RunName,
    until: Until = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change how the run is worked on from now on, for example judge.budget=40."),
    ] = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a run from the last recorded unit of work."""
    _check_until(until)
    work_on(find_run(name, runs_dir), until, detach, quiet, as_json, overrides or ())


def clone(
    name: RunName,
    overrides: Set = None,
    until: Until = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Start a new run with the configuration of another one, changed by --set."""
    from tui.commands.starting.beginning import from_run

    _check_until(until)
    root = from_run(name, runs_dir).make(overrides or (), until, runs_dir, tell_notes)
    work_on(root, until, detach, quiet, as_json)


def demo(
    world: Annotated[str, typer.Option(help="planted, null or random.")] = "planted",
    seed: Annotated[int, typer.Option(help="Seed of the world and the run.", min=0)] = 1,
    runs_dir: RunsDir = _RUNS,
    overrides: Set = None,
    until: Until = None,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run everything on a small simulated world whose truth is known: no network, key or GPU."""
    from tui.commands.starting.beginning import from_demo

    _check_until(until)
    root = from_demo(runs_dir, world, seed).make(overrides or (), until, runs_dir, tell_notes)
    work_on(root, until, detach, quiet, as_json)


def _check_until(until: str | None) -> None:
    if until is not None:
        from core.pipeline import check_until

        check_until(until)
