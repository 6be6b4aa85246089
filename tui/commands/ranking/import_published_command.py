"""`dempo import-published`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui.commands.runs.work_on import work_on
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.options import Json, Quiet, RunsDir, Set, tell_notes


def import_published_command(
    folder: Annotated[Path, typer.Argument(help="Artefacts of one published evaluation: listwise.jsonl, scores …")],
    run_name: Annotated[str | None, typer.Option("--name", help="Name of the run; the folder's without it.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.", min=0)] = 0,
    questions: Annotated[
        Path | None, typer.Option("--questions", help="Folder of the questions, if it lies elsewhere.")
    ] = None,
    constitution: Annotated[
        Path | None, typer.Option("--constitution", help="File of the constitution, if it lies elsewhere.")
    ] = None,
    survey: Annotated[
        Path | None, typer.Option("--survey", help="Data in PRISM's format, to compare a panel, π and weights with.")
    ] = None,
    panel_config: Annotated[
        Path | None, typer.Option("--panel-config", help="Published YAML file of the panel's quotas; with --survey.")
    ] = None,
    overrides: Set = None,
    runs_dir: RunsDir = _RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Make a run of published answers, rankings, panels and π, and compare what was published with its own."""
    from tui.commands.ranking.import_published import create_imported

    root, notes = create_imported(
        folder, run_name, seed, questions, constitution, overrides or (), runs_dir, survey, panel_config
    )
    tell_notes(notes)
    work_on(root, None, False, quiet, as_json)
