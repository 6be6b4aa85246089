"""`dempo export`, `copy` and `import`: runs that go elsewhere, and come from there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.errors import Unchecked
from core.visible import visible
from tui.commands.record.verify_command import not_checked
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.console import Console
from tui.terminal.options import Json, RunName, RunsDir, print_data
from tui.terminal.progress_lines import ProgressLines, when_slow


def export(
    name: RunName,
    to: Annotated[Path | None, typer.Option("--to", help="The file to write; <run id>.zip here without it.")] = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="Withhold texts, and what leads back to the source.")
    ] = False,
    k: Annotated[
        int | None, typer.Option("--k", min=2, help="With --redact: withhold rows about people and types as well.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    agent: Annotated[str | None, typer.Option("--agent", help="Who answers for the run, as a name.")] = None,
    runs_dir: RunsDir = _RUNS,
    progress: ProgressLines = False,
    as_json: Json = False,
) -> None:
    """Write a run as one zip that anyone can check, read and cite. An engine may go on meanwhile."""
    from storage.export.export import export_run
    from storage.export.target import default_target

    root = find_run(name, runs_dir)
    target, console = to or default_target(root, redact or k is not None), Console()
    told = when_slow(console, "export", progress)
    done = export_run(root, target, redact=redact, k=k, force=force, agent=agent, told=told)
    console.say(f"dempo: wrote {done.files:,} files, {done.bytes / 1024**2:.1f} MiB")
    print_data(asdict(done), as_json, f"{done.path}\nSHA-256 {done.sha256}\nhead: event {done.seq}, {done.head}")
    for sentence in done.left_out:
        console.say(f"dempo: left out: {visible(sentence)}")
    if done.failed_checks:
        names = ", ".join(done.failed_checks)
        console.say(f"dempo: this record fails checks ({names}); `dempo verify` says why")


def copy_command(
    name: RunName,
    to: Annotated[Path, typer.Option("--to", help="The folder that the copy shall lie in; it is made.")],
    checkpoints: Annotated[bool, typer.Option("--checkpoints", help="Copy the trained models too.")] = False,
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Copy a run's folder, whole and checked, people's names included. An engine may go on meanwhile."""
    from storage.copying import copy_run
    from storage.verifier.vouching.vouching import summary_of

    console = Console()
    done = copy_run(find_run(name, runs_dir), to, checkpoints=checkpoints, told=when_slow(console, "copy", lines=False))
    checked = summary_of(list(done.checks))
    print_data(asdict(done), as_json, f"{visible(done.path)}\n{checked}")
    if done.private:
        console.say("dempo: note: private/ was copied too; it says who the raters are")
    if not done.checkpoints:
        console.say("dempo: note: without checkpoints; --checkpoints copies the trained models where there are any")


def import_command(
    bundle: Annotated[Path, typer.Argument(help="A zip that `dempo export` wrote.")],
    runs_dir: RunsDir = _RUNS,
    progress: ProgressLines = False,
    as_json: Json = False,
) -> None:
    """Check somebody else's bundle and keep its run here, to be read and never written."""
    from tui.commands.record.importing import checks_of, import_run, print_imported

    console = Console()
    done = import_run(bundle, runs_dir, console, when_slow(console, "import", progress))
    print_imported(done, console, as_json)
    left = [check for check in checks_of(done) if check.verdict == "unchecked"]
    if left:
        raise Unchecked(f"{done.run_id} was imported; {not_checked(left)}")
