"""`dempo judge …`: calls that gave no ranking once more, further judges, and replies read by the rule of today."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from core.facts.judging.outcomes import Unranked
from core.facts.plural import number_of
from core.run_folder import RunFolder
from core.visible import visible
from tui.terminal.command_line import DEFAULT_RUNS as RUNS
from tui.terminal.command_line import command_line
from tui.terminal.completion import find_run
from tui.terminal.framed_help import Commands
from tui.terminal.options import Detach, Json, Quiet, RunName, RunsDir, print_data
from tui.terminal.telling import tell

if TYPE_CHECKING:
    from core.config_file import LoadedConfig
    from storage.record.reader import Reader

app = Commands(
    no_args_is_help=True,
    help="Judge once more: what gave no ranking, by further judges, or the same replies read by the rule of today.",
)

Outcomes = Annotated[
    str,
    typer.Option("--outcomes", metavar="OUTCOME,…", help="Calls that ended so: failed, malformed, truncated, refused."),
]


@app.command()
def again(
    name: RunName,
    outcomes: Outcomes,
    runs_dir: RunsDir = RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Ask again what gave no ranking: in the run while its judges are not done, else in a run that is linked to it."""
    from storage.record.reader import Reader

    root, wanted = find_run(name, runs_dir), _outcomes(outcomes)
    reader = Reader(root)
    if any(row["stage"] == "judge" and row["status"] == "completed" for row in reader.view("stages")):
        from storage.judging.linked_judging import judged_again

        loaded = judged_again(reader, wanted)
        tell(f"the judges of {root.name} are done, so a run is made that is linked to it")
        _judge_linked(reader, loaded, "judge again", runs_dir, detach, quiet, as_json)
        return
    _reopen(root, wanted, runs_dir, as_json)


@app.command()
def add(
    name: RunName,
    judges: Annotated[Path, typer.Argument(help="TOML with [[judge.judges]] and, where needed, [[endpoints]].")],
    runs_dir: RunsDir = RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Let further judges rank a run's answers, in a run that is linked to it; its boards are those of all judges."""
    from core.config_file import load_judges
    from storage.judging.linked_judging import judged_again
    from storage.record.reader import Reader

    reader = Reader(find_run(name, runs_dir))
    loaded = judged_again(reader, added=load_judges(judges))
    _judge_linked(reader, loaded, "judge add", runs_dir, detach, quiet, as_json)


@app.command()
def reparse(
    name: RunName, runs_dir: RunsDir = RUNS, detach: Detach = False, quiet: Quiet = False, as_json: Json = False
) -> None:
    """Read a run's replies by the rule of today, in a run that is linked to it; nobody is asked."""
    from storage.judging.linked_judging import judged_again
    from storage.record.reader import Reader

    reader = Reader(find_run(name, runs_dir))
    _judge_linked(reader, judged_again(reader), "judge reparse", runs_dir, detach, quiet, as_json)


def _reopen(root: Path, outcomes: Sequence[Unranked], runs_dir: Path, as_json: bool) -> None:
    from storage.judging.reopening import reopen_calls
    from storage.record.log import Log

    with Log.open(RunFolder(root)) as log:
        event = reopen_calls(log, outcomes)
        seq, digest = log.head
    units = event.units if event else []
    head = {"event": seq, "hash": digest}
    told = f"{number_of(len(units), 'call')} of {root.name} will be made again"
    if event is None:
        told = f"no completed call of {root.name} was {' or '.join(outcomes)}; nothing is recorded"
    data = {"run_id": root.name, "path": str(root), "outcomes": list(outcomes), "units": units, "head": head}
    print_data(data, as_json, visible(told))
    if "failed" in outcomes:
        tell("calls that failed are asked again by every `dempo resume`")
    if event is not None:
        tell(f"`{command_line('resume', root.name, runs=runs_dir)}` asks them")


def _judge_linked(
    reader: Reader, loaded: LoadedConfig, action: str, runs_dir: Path, detach: bool, quiet: bool, as_json: bool
) -> None:
    """Makes a run of a configuration that is linked to another one, and works on it."""
    from core.events import OperatorAction
    from core.preflight import preflight
    from storage.judging.other_runs import RunsOnDisk
    from storage.record.create import create_run
    from storage.record.log import Log
    from tui.commands.runs.work_on import work_on
    from tui.terminal.options import tell_notes

    original = reader.folder.root
    tell_notes(preflight(loaded.config, None, RunsOnDisk()))
    seq, head = reader.head()
    root = create_run(loaded, f"# as `dempo {action}` made it of run {original.name}\n", runs_dir, linked_to=original)
    with Log.open(RunFolder(root)) as log:
        detail = f"of run {original.name}, whose head was event {seq}, {head}"
        log.record("run", [OperatorAction(action=action, detail=detail)])
    work_on(root, None, detach, quiet, as_json)


def _outcomes(given: str) -> list[Unranked]:
    known = get_args(Unranked)
    found = list(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    wrong = [part for part in found if part not in known]
    if wrong or not found:
        told = f"{wrong[0]!r} is no such outcome" if wrong else "name at least one"
        raise typer.BadParameter(f"{told}; they are {', '.join(known)}", param_hint="--outcomes")
    return cast(list[Unranked], found)
