"""`dempo verify`: its options, what is printed, and the sentence that it ends with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import InputError, Unchecked, VerificationFailed
from core.facts.plural import number_of
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.console import Console
from tui.terminal.options import Json, RunName, RunsDir, print_data
from tui.terminal.progress_lines import ProgressLines

if TYPE_CHECKING:
    from storage.check import Check


def _explain_check(name: str | None) -> None:
    if name is not None:
        from storage.verify import explained

        print(explained(name))
        raise typer.Exit


def verify(
    name: RunName,
    key: Annotated[
        Path | None, typer.Option("--key", help="A public key or allowed_signers file: whose signatures count.")
    ] = None,
    head: Annotated[
        Path | None, typer.Option("--head", help="A head kept elsewhere, which the record has to contain.")
    ] = None,
    allow: Annotated[
        str | None, typer.Option("--allow", metavar="CHECK,…", help="Checks that may be left unchecked, by name.")
    ] = None,
    require: Annotated[
        str | None, typer.Option("--require", metavar="CHECK,…", help="Checks that have to be ok, by name.")
    ] = None,
    files: Annotated[
        bool | None, typer.Option("--files/--no-files", help="Read the files of all models; by default up to 1 GB.")
    ] = None,
    _explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="CHECK",
            is_eager=True,
            callback=_explain_check,
            help="Say what a check looks at, what it can say and where it is; no run is needed.",
        ),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Alter copies of the run; show what is found, and what not.")
    ] = False,
    runs_dir: RunsDir = _RUNS,
    progress: ProgressLines = False,
    as_json: Json = False,
) -> None:
    """Check a run's record: chain, texts, lotteries, draws, weights, scores, signatures … It is not written to."""
    from storage.record.verified import note_verification, recorded_head
    from storage.verifier.vouching.ssh_signature import Unusable
    from storage.verifier.vouching.vouching import decisive, summary_of, unchecked
    from storage.verify import verify_all
    from tui.commands.record.checks_heard import checks_heard

    if demo and (key is not None or head is not None):
        raise InputError("--demo alters copies and compares them with a head of its own; leave out --key and --head")
    root = find_run(name, runs_dir)
    if demo:
        from storage.demonstration import demonstrate, shown_as, told

        shown = list(demonstrate(root))
        altered = {"run_id": root.name, "alterations": [row.row() for row in shown]}
        print_data(altered, as_json, f"{tables.table([shown_as(row) for row in shown])}\n\n{told(shown)}")
        return
    before, console = recorded_head(root), Console()
    checks = verify_all(root, key, head, files, checks_heard(console, progress))
    console.clear()
    if root.resolve().parent == runs_dir.resolve():  # the list of these runs tells it
        note_verification(root, before, checks)
    try:
        against = decisive(checks, key is not None, head is not None, require)
        left = unchecked(checks, allow)
    except Unusable as error:
        raise InputError(str(error)) from None
    rows, summary = [check.row() for check in checks], summary_of(checks)
    columns = {"name": "check", "verdict": "verdict", "detail": "what was found"}
    data = {"run_id": root.name, "checks": rows, "ok": not against and not left, "summary": summary}
    print_data(data, as_json, f"{tables.table(rows, columns)}\n\n{summary}")
    if against:
        raise VerificationFailed(f"{root.name}: {_why_not(against)}")
    if left:
        raise Unchecked(f"{root.name}: {not_checked(left)}")


def _why_not(against: Sequence[Check]) -> str:
    """The failed check that breaks at the smallest event; without any, what was asked for and could not be shown."""
    failed = [check for check in against if check.verdict == "failed"]
    if not failed:
        return f"check {against[0].name!r} could not be shown: {against[0].detail}"
    first = min(failed, key=lambda check: (check.event is None, check.event or 0))
    where = f" at event {first.event}" if first.event is not None else ""
    return f"check {first.name!r} failed{where}: {first.detail}"


def not_checked(left: Sequence[Check]) -> str:
    """What could not be checked, and why the first of it."""
    rest = number_of(len(left) - 1, "other check")
    more = f" (so it is with {rest})" if len(left) > 1 else ""
    return f"check {left[0].name!r} could not be made{more}: {left[0].detail}"
