"""`dempo tables`: the results of runs as the tables of the paper."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InputError
from core.visible import one_line, visible
from tui.terminal.command_line import DEFAULT_RUNS as RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import Json, RunsDir, print_data
from tui.terminal.telling import tell

if TYPE_CHECKING:
    from storage.paper_tables.table import PaperTable

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_.-]+")

_HEADS = {"md": "##", "tex": "% run"}
"""What the name of a run stands behind, above its tables."""

Printed = tuple[str, "PaperTable"]
"""A run and one of its tables."""


def print_tables(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Runs: ids, unique prefixes of them, or folders.")],
    layout: Annotated[
        str, typer.Option("--layout", help="paper, or wizwand: one list of metrics and ranks.")
    ] = "paper",
    form: Annotated[str, typer.Option("--format", help="md, tex, csv, or svg for the grid of places.")] = "md",
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE,…", help="Only these: sizes, scores, places …")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write a file for each table into this folder.")] = None,
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """Print the results of runs as the paper prints its tables."""
    from storage.paper_tables.all_tables import tables_of
    from storage.record.reader import Reader

    wanted = _wanted(layout, form, table)
    found = [
        (root.name, one)
        for root in dict.fromkeys(find_run(name, runs_dir) for name in runs)
        for one in tables_of(Reader(root), layout, wanted)
    ]
    if as_json:
        print_data({"tables": [{"run_id": run, **dataclasses.asdict(one)} for run, one in found]}, True, "")
    elif to is not None:
        _write(to, form, found)
    else:
        _print(form, found)


def _wanted(layout: str, form: str, table: str | None) -> Sequence[str]:
    """The keys of the tables that are asked for.

    Raises:
        BadParameter: an option has a value that it does not know.
    """
    from storage.paper_tables.all_tables import KEYS, LAYOUTS, subject_of
    from storage.paper_tables.written import FORMS

    if layout not in LAYOUTS:
        raise typer.BadParameter(f"{layout!r} is no layout; they are {', '.join(LAYOUTS)}", param_hint="--layout")
    if form not in FORMS:
        raise typer.BadParameter(f"{form!r} is no format; they are {', '.join(FORMS)}", param_hint="--format")
    if table is None:
        return ("places",) if form == "svg" else KEYS
    keys = [part.strip() for part in table.split(",") if part.strip()]
    for key in keys:
        if subject_of(key) not in KEYS:
            raise typer.BadParameter(f"{key!r} is no table; they are {', '.join(KEYS)}", param_hint="--table")
    return keys


def _print(form: str, found: Sequence[Printed]) -> None:
    if form in ("csv", "svg") and len(found) > 1:
        keys = ", ".join(dict.fromkeys(one.key for _, one in found))
        told = f"{len(found)} tables are no single {form} file; write them with --to FOLDER, or one by --table: {keys}"
        raise typer.BadParameter(told, param_hint="--format")
    before = None
    for run, one in found:
        if form in _HEADS and run != before:
            print(f"{_HEADS[form]} {one_line(run)}\n")
        before = run
        print(_text(one, form), end="" if form in ("csv", "svg") else "\n")


def _write(folder: Path, form: str, found: Sequence[Printed]) -> None:
    """A file for each table that has rows; nothing that is there is replaced."""
    files = list(_named(folder, form, found))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--to {folder}: no folder can be made there ({error.strerror}); name another one") from error
    for path, one in files:
        if not one.lacking and path.exists():
            raise InputError(f"{path} exists; name another folder with --to, or remove the file")
    for path, one in files:
        if one.lacking:
            tell(f"{one.key} is not written: {visible(one.lacking)}")
            continue
        try:
            with path.open("x", encoding="utf-8") as out:
                out.write(_text(one, form))
        except FileExistsError:
            raise InputError(f"{path} exists; name another folder with --to, or remove the file") from None
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        print(visible(str(path)))


def _named(folder: Path, form: str, found: Sequence[Printed]) -> Iterator[tuple[Path, PaperTable]]:
    """The file of each table: the run, the table, and a number where a run has several of one key."""
    times: dict[str, int] = {}
    for run, one in found:
        name = _NOT_IN_NAMES.sub("-", f"{run}-{one.key}".lower())
        times[name] = times.get(name, 0) + 1
        yield folder / f"{name}{'' if times[name] == 1 else f'-{times[name]}'}.{form}", one


def _text(table: PaperTable, form: str) -> str:
    from storage.paper_tables.written import written

    try:
        return written(table, form)
    except ValueError as error:
        raise InputError(str(error)) from None
