"""`dempo plan`: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from core.errors import InputError
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import Json, RunName, RunsDir


def plan(
    name: RunName,
    deviate: Annotated[
        list[str] | None,
        typer.Option(
            "--deviate", metavar="HYPOTHESIS", help="Record that it was not tested as planned; `all` for all."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What differs from the plan, and why.")] = None,
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Show what a run planned and what came of it; or record a deviation, which stays."""
    from tui.commands.ranking.plan import deviate_from, show_plan

    root = find_run(name, runs_dir)
    if (reason is None) != (not deviate):
        raise InputError("a deviation takes both: --deviate HYPOTHESIS (or all), and --reason TEXT")
    if deviate and reason is not None:
        deviate_from(root, [] if "all" in deviate else deviate, reason, as_json)
    else:
        show_plan(root, as_json)
