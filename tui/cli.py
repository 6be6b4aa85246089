"""The command line: a twin for every action of the app. Data go to standard output, talk to standard error.

What each command takes stands in `tui/commands`, beside what it calls; here are their names, in the order of the help.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from typing import Annotated, NoReturn

import typer

from core.errors import DempoError, InputError
from core.visible import visible
from tui.commands.data.examples_command import examples_command
from tui.commands.people import draws
from tui.commands.people.feasible_command import feasible
from tui.commands.ranking import judging
from tui.commands.ranking.import_published_command import import_published_command
from tui.commands.ranking.paper_tables import print_tables
from tui.commands.ranking.plan_command import plan
from tui.commands.ranking.power import power
from tui.commands.ranking.rank_command import rank
from tui.commands.record.bundle_commands import copy_command, export, import_command
from tui.commands.record.reading_commands import head, replay, show
from tui.commands.record.verify_command import verify
from tui.commands.runs.doctor_command import doctor
from tui.commands.runs.run_commands import list_command, remove, stop, watch
from tui.commands.runs.start_commands import clone, demo, resume, run
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.framed_help import Commands
from tui.terminal.options import RunsDir, tell

app = Commands(name="dempo", no_args_is_help=False, pretty_exceptions_enable=False)
app.add_typer(draws.app, name="draw")
app.add_typer(judging.app, name="judge")
app.command()(run)
app.command()(resume)
app.command()(clone)
app.command()(stop)
app.command()(remove)
app.command("list")(list_command)
app.command()(show)
app.command()(watch)
app.command()(verify)
app.command()(replay)
app.command()(rank)
app.command("tables")(print_tables)
app.command()(power)
app.command()(plan)
app.command()(feasible)
app.command("examples")(examples_command)
app.command()(demo)
app.command()(head)
app.command()(doctor)
app.command()(export)
app.command("copy")(copy_command)
app.command("import")(import_command)
app.command("import-published")(import_published_command)


def main() -> NoReturn:
    """Entry point of the `dempo` command: errors become sentences and exit codes."""
    # One BLAS thread, before NumPy is loaded: sums then don't depend on the number of cores, and the many small
    # systems of a lottery are solved twice as fast. The threads of training are `train.threads`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except DempoError as error:
        tell(visible(str(error)))
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "core", "storage", "tui"):
            raise
        from core.program.environment import missing_packages

        tell(f"{missing_packages([package])}; everything finished before is recorded")
        sys.exit(InputError.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        tell(f"{visible(f'{where}{error.strerror or error}')}; everything finished before is recorded")
        sys.exit(1)
    sys.exit(0)


@app.callback(invoke_without_command=True)
def open_app(
    ctx: typer.Context,
    runs_dir: RunsDir = _RUNS,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Audited alignment runs. Without a command: opens the terminal app on the runs."""
    if version:
        from core.program.provenance import program_version

        print(program_version())
        raise typer.Exit
    if ctx.invoked_subcommand is not None:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        tell("the app needs a terminal; `dempo list` and `dempo show RUN` print instead")
        raise typer.Exit(2)
    if "SSH_TTY" in os.environ:
        os.environ.setdefault("TEXTUAL_FPS", "15")  # Textual reads it when it is imported
    from tui.look.app_settings import AppSettings
    from tui.look.background import Background, background_asked

    settings = AppSettings.of_user()
    chosen = settings.theme or os.environ.get("TEXTUAL_THEME") or os.environ.get("NO_COLOR")
    with nullcontext(Background()) if chosen else background_asked() as background:
        from tui.app import DempoApp
    opened = DempoApp(runs_dir, settings=settings, background=background)
    opened.run()
    raise typer.Exit(opened.return_code or 0)
