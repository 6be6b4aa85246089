"""`dempo draw …`: draws by public randomness, and the people that a draw selected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.facts.plural import number_of
from core.run_folder import RunFolder
from core.visible import visible
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as RUNS
from tui.terminal.completion import find_run
from tui.terminal.framed_help import Commands
from tui.terminal.options import Json, Quiet, RunName, RunsDir, print_data, print_rows, tell_notes
from tui.terminal.telling import tell

if TYPE_CHECKING:
    from core.events import DrawDecided, DrawMade
    from storage.draws.public import PublicDraw
    from storage.record.log import Log

app = Commands(
    no_args_is_help=True,
    help="Public randomness: commit, reveal, accept or reject, then `dempo resume`. Who was drawn, and who stands in.",
)

_ROUNDS = {key: key for key in ("draw", "round", "lottery", "outcome", "panel", "value", "source", "reason")} | {
    "source": "drawn from"
}
_REPLACED = "SELECT detail FROM operator_actions WHERE action = 'replace' AND detail LIKE ?"

DrawName = Annotated[str, typer.Argument(help="Id of a draw of the configuration.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; it is recorded.")]


@app.command()
def commit(
    name: RunName,
    draw: DrawName,
    source: Annotated[str, typer.Option("--source", help="The future public source of randomness, in words.")],
    rule: Annotated[str, typer.Option("--rule", help="hash, or number for a uniform lottery.")] = "hash",
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """Fix what a draw will be made from, before its randomness exists; prints what to publish."""
    from tui.commands.people.draw_text import to_publish

    with _opened(name, draw, runs_dir) as (log, public):
        committed = public.commit(source, _rule(rule))
        run, panels = log.genesis().run_id, public.panels
        data = {"run": run, **committed.payload(), "head": _head(log)}
        print_data(data, as_json, to_publish(committed, run, panels, log.head))
    tell("publish this before the source publishes its value")
    _tell_next(name, draw, runs_dir)


@app.command()
def reveal(
    name: RunName,
    draw: DrawName,
    value: Annotated[str, typer.Argument(help="The value, exactly as the source published it.")],
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """Draw the panel that a public value picks; it is proposed until it is accepted or rejected."""
    with _opened(name, draw, runs_dir) as (log, public):
        _print_recorded(log, public.reveal(value), as_json)
    _tell_next(name, draw, runs_dir)


@app.command()
def accept(name: RunName, draw: DrawName, reason: Reason = "", runs_dir: RunsDir = RUNS, as_json: Json = False) -> None:
    """Make a proposed panel the panel of the draw; final."""
    from tui.terminal.command_line import command_line

    with _opened(name, draw, runs_dir) as (log, public):
        _print_recorded(log, public.accept(reason), as_json)
        run = log.folder.root.name
    print(f"next: `{command_line('resume', run, runs=runs_dir)}` goes on with the run", file=sys.stderr)
    print(
        f"then: `{command_line('draw', 'people', run, draw, '--to', 'FOLDER', runs=runs_dir)}` writes who was drawn",
        file=sys.stderr,
    )


@app.command()
def reject(name: RunName, draw: DrawName, reason: Reason, runs_dir: RunsDir = RUNS, as_json: Json = False) -> None:
    """Discard a proposed panel; it stays in the record, and another round may follow."""
    with _opened(name, draw, runs_dir) as (log, public):
        _print_recorded(log, public.decide("rejected", reason), as_json)
    _tell_next(name, draw, runs_dir)


@app.command()
def abort(name: RunName, draw: DrawName, reason: Reason, runs_dir: RunsDir = RUNS, as_json: Json = False) -> None:
    """Withdraw a commitment before its value is known; it stays in the record, and another round may follow."""
    with _opened(name, draw, runs_dir) as (log, public):
        _print_recorded(log, public.decide("aborted", reason), as_json)
    _tell_next(name, draw, runs_dir)


@app.command("list")
def list_command(
    name: RunName,
    members: Annotated[bool, typer.Option("--members", help="Who was on each panel, rejected ones too.")] = False,
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """List every draw that was made or begun, also the rejected and aborted ones."""
    from storage.draws.history import config_of, history_of
    from storage.draws.panels import members_listed, rounds_listed
    from storage.record.foreign import is_imported
    from storage.record.reader import Reader
    from storage.withheld import people_left_out

    reader = Reader(find_run(name, runs_dir))
    if members:
        told = people_left_out(reader, "panel_members")
        print_rows("members", members_listed(reader), told, as_json)
        return
    rows = rounds_listed(reader)
    shown = [row | {"source": row["origin"] if row["source"] is None else row["source"]} for row in rows]
    print_data({"draws": rows}, as_json, tables.table(shown, _ROUNDS))
    for section in config_of(reader).draws if not is_imported(reader.folder.root) else ():
        if history_of(reader, section.id).state != "accepted":
            if section.randomness == "public":
                _tell_next(name, section.id, runs_dir)
            else:
                tell(f"draw {section.id!r} is not made yet")


@app.command()
def people(
    name: RunName,
    to: Annotated[Path, typer.Option("--to", help="Folder for the CSV files; it is made.")],
    draw: Annotated[str | None, typer.Argument(help="Id of a draw, where the run has several.")] = None,
    proposed: Annotated[bool, typer.Option("--proposed", help="A panel that waits to be accepted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds files already.")] = False,
    runs_dir: RunsDir = RUNS,
    as_json: Json = False,
) -> None:
    """Write who was selected, who stands in, who remains in the pool, and the quotas, as CSV files."""
    from storage.draws.people import write_people, write_proposed
    from storage.record.reader import Reader

    root = find_run(name, runs_dir)
    written = (write_proposed if proposed else write_people)(Reader(root), draw, to, force)
    if not written.named:
        tell(f"{root / 'private' / 'raters.csv'} is missing, so the files hold pseudonyms only")
    tell_notes(written.notes)
    data = {
        "draw": written.draw,
        "outcome": written.outcome,
        "files": {file.name: rows for file, rows in written.files.items()},
        "folder": str(to),
    }
    lines = [f"{file}  {number_of(rows, 'row')}" for file, rows in written.files.items()]
    print_data(data, as_json, visible("\n".join([f"draw {written.draw}: {written.outcome}", *lines])))
    if proposed:
        _tell_next(name, written.draw, runs_dir)


@app.command()
def replace(
    name: RunName,
    draw: DrawName,
    responses: Annotated[Path, typer.Argument(help="CSV with the columns id and status (accepted or declined).")],
    missing: Annotated[str | None, typer.Option("--missing", help="What silence means: accepted or declined.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where completed answers go; RESPONSES.completed.csv without it.")
    ] = None,
    runs_dir: RunsDir = RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Draw replacements for people who declined: a new run that keeps the seats of those who accepted."""
    from core.events import OperatorAction
    from storage.draws.replacement import prepare
    from storage.record.create import create_run
    from storage.record.foreign import refuse_imported
    from storage.record.log import Log
    from storage.record.reader import Reader
    from tui.commands.people.draw_text import people_command
    from tui.commands.runs.process import work
    from tui.terminal.console import Console

    original = find_run(name, runs_dir)
    refuse_imported(original)
    prepared = prepare(Reader(original), draw, responses, missing, out)
    console = Console(quiet)
    for note in prepared.notes:
        console.say(f"dempo: note: {note}")
    for row in Reader(original).query(_REPLACED, [f"draw {draw}: %"]):
        console.say(f"dempo: note: replacements were drawn before: {row['detail']}")
    with Log.open(RunFolder(original)) as log:  # nobody replaces anybody of a run that an engine works on
        text = (original / "config.toml").read_text(encoding="utf-8")
        root = create_run(prepared.loaded, text, runs_dir, linked_to=original)
        seq, head = log.head
        log.record("run", [OperatorAction(action="replace", detail=f"draw {draw}: by run {root.name}")])
    with Log.open(RunFolder(root)) as log:
        detail = f"draw {draw} of run {original.name}, whose head was event {seq}, {head}"
        log.record("run", [OperatorAction(action="replaces", detail=detail)])
    console.say(f"run {root.name}")
    code = work(root, "draw", console)
    data = {"run_id": root.name, "path": str(root), "draw": draw, "replaces": original.name}
    print_data(data | {"responses": str(prepared.responses)}, as_json, visible(str(root)))
    if code:
        raise typer.Exit(code)
    for step in people_command(Reader(root), runs_dir):
        console.say(step)


@contextmanager
def _opened(name: str, draw: str, runs_dir: Path) -> Iterator[tuple[Log, PublicDraw]]:
    """The run's log, locked, and the draw in it."""
    from storage.draws.public import PublicDraw
    from storage.record.log import Log

    with Log.open(RunFolder(find_run(name, runs_dir))) as log:
        yield log, PublicDraw(log, draw)


def _print_recorded(log: Log, event: DrawMade | DrawDecided, as_json: bool) -> None:
    """What became of a draw, the panel where one was drawn, and the head of the record."""
    from core.events import DrawMade

    head = _head(log)
    lines = [f"draw {event.draw}, round {event.round}: {event.outcome}"]
    if isinstance(event, DrawMade):
        lines.append(f"panel {event.panel} of lottery {event.lottery}, {number_of(len(event.members), 'member')}")
    lines.append(f"head: event {head['event']}, {head['hash']}")
    print_data({**event.payload(), "head": head}, as_json, "\n".join(lines))


def _tell_next(name: str, draw: str, runs_dir: Path) -> None:
    from storage.draws.history import history_of
    from storage.record.reader import Reader
    from tui.commands.people.draw_text import next_steps

    root = find_run(name, runs_dir)
    for step in next_steps(history_of(Reader(root), draw), root.name, runs_dir):
        print(step, file=sys.stderr)


def _rule(rule: str) -> Any:
    if rule not in ("hash", "number"):
        raise typer.BadParameter(f"{rule!r} is no rule; it is hash or number", param_hint="--rule")
    return rule


def _head(log: Log) -> dict[str, Any]:
    seq, digest = log.head
    return {"event": seq, "hash": digest}
