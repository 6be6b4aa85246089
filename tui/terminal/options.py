"""What the commands share: options, and how they print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import InputError
from core.visible import escaped, visible
from tui.terminal import tables
from tui.terminal.command_line import RUNS_OPTION, RUNS_VARIABLE
from tui.terminal.completion import nearest_runs, run_names
from tui.terminal.telling import tell

RunsDir = Annotated[
    Path, typer.Option(RUNS_OPTION, help="Folder of the runs.", envvar=RUNS_VARIABLE, callback=nearest_runs)
]
RunName = Annotated[
    str, typer.Argument(help="A run: its id, a unique prefix of it, or its folder.", autocompletion=run_names)
]
Until = Annotated[str | None, typer.Option("--until", help="Stop after this stage.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a value, for example run.seed=7.")]
Detach = Annotated[bool, typer.Option("--detach", help="Start the engine in a session of its own and return.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print rows as CSV.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only results and errors.")]
AsOf = Annotated[
    int | None, typer.Option("--as-of", help="The record as it stood after the event of this number.", min=1)
]


def _not_until(given: str | None) -> None:
    """
    Raises:
        InputError: `--until` was given to a command that reads a record.
    """
    if given is not None:
        raise InputError(
            f"--until {given}: --until names a stage, for run, demo, resume and clone; the record as it stood after an "
            "event is --as-of NUMBER"
        )


NoUntil = Annotated[str | None, typer.Option("--until", hidden=True, callback=_not_until)]
"""An event number was `--until` in earlier versions."""


def print_data(data: Any, as_json: bool, text: str) -> None:
    """Prints the data as JSON, or the text that says the same."""
    if as_json:
        print_json(data)
    else:
        print(text)


def print_rows(name: str, rows: Sequence[Mapping[str, Any]], absent: str, as_json: bool, digits: int = 3) -> None:
    """Prints rows as a table or as JSON; `absent` says, in place of rows or beside them, why something is not here."""
    text = f"({absent})" if absent and not rows else tables.table(rows, digits=digits)
    print_data({name: rows} | ({"withheld": absent} if absent else {}), as_json, text)


def print_json(data: Any) -> None:
    """Prints the data as JSON."""
    print(escaped(json.dumps(data, ensure_ascii=False, indent=2)))


def tell_notes(notes: Iterable[str]) -> None:
    """Says what there is to know although nothing is wrong; the notes may quote hostile text."""
    for note in notes:
        tell(f"note: {visible(note)}")
