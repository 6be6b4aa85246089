"""`dempo doctor`: its options, and what is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import InputError
from core.visible import visible
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.options import Json, RunsDir, Set, print_data


def doctor(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONFIG|RUN]",
            help="Say also whether its endpoints can be used, and what training and judging will take.",
        ),
    ] = None,
    overrides: Set = None,
    keygen: Annotated[bool, typer.Option("--keygen", help="Make a key that signs the heads of runs.")] = False,
    key: Annotated[Path | None, typer.Option("--key", help="Where --keygen puts the key.")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure one micro-batch of training here, with random weights.")
    ] = False,
    device_memory: Annotated[
        float | None,
        typer.Option("--device-memory", min=0.1, metavar="GIB", help="Ask whether training would fit on such a GPU."),
    ] = None,
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Say what this machine has: packages, devices, disk, keys (present or absent); and what a configuration lacks."""
    if keygen:
        from tui.commands.record.head import new_key

        made, told = new_key(key, runs_dir)
        print_data(made, as_json, visible(told))
        return
    if key is not None:
        raise InputError("--key says where --keygen puts a new key; an existing one is named by DEMPO_SIGNING_KEY")
    from tui.commands.runs.doctor import examine, named

    if name is None and (measure or device_memory is not None):
        raise InputError("--measure and --device-memory are about training; name a configuration or a run")
    if name is None and overrides:
        raise InputError("--set changes a value of a configuration; name one")
    configured, run = named(name, runs_dir, overrides or []) if name else (None, None)
    rows = examine(runs_dir, configured, run, device_memory, measure)
    print_data({"checks": rows}, as_json, tables.table(rows, {"name": "what", "state": "state", "detail": "detail"}))
    if any(row["state"] == "missing" for row in rows):
        raise typer.Exit(1)
