"""`dempo examples`: its options, and what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui.terminal import tables
from tui.terminal.options import Json, print_data
from tui.terminal.telling import tell


def examples_command(
    to: Annotated[
        Path | None, typer.Option("--to", help="Copy them, with the files they name, to this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the example configurations that come with the program, or copy them to a folder of yours."""
    from tui.commands.data.shipped_examples import copy_to, examples

    found = examples() if to is None else copy_to(to)
    rows = [example.row() for example in found]
    print_data({"examples": rows}, as_json, tables.table(rows, {"path": "configuration", "about": "what it is"}))
    if to is None:
        tell("`dempo examples --to DIR` copies them, to be changed and run")
