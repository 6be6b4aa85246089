"""The command line: a twin for every action of the app. Data go to standard output, talk to standard error.

What each command takes stands in `tui/commands`, beside what it calls; here are their names, in the order of the help.
"""

from __future__ import annotations

from typing import Annotated

import typer

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
from tui.opening import open_app
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.framed_help import Commands
from tui.terminal.options import RunsDir

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


@app.callback(invoke_without_command=True)
def command_line(
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
    raise typer.Exit(open_app(runs_dir))
