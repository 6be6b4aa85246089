"""`dempo feasible`: its options, and what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.facts.plural import number_of
from tui.terminal.console import Console
from tui.terminal.options import Json, Quiet, Set, print_data


def feasible(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML) that has a lottery.")],
    lottery: Annotated[str | None, typer.Option("--lottery", help="Which one, where there are several.")] = None,
    sizes: Annotated[str | None, typer.Option("--sizes", help="Panel sizes, such as 120:170.")] = None,
    overrides: Set = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say for which panel sizes the quotas of a configuration have a panel. Nothing is recorded."""
    from core.config_file import load_config
    from tui.commands.people.feasible import feasible_map

    console = Console(quiet)
    found = feasible_map(load_config(config, overrides or ()).config, lottery, sizes, console)
    console.say(f"{number_of(len(found.answers), 'panel size')}, a pool of {number_of(found.pool, 'person', 'people')}")
    for warning in found.warnings:
        console.say(f"note: {warning}")
    print_data(found.data(), as_json, found.text())
    if found.error is not None:
        raise found.error
