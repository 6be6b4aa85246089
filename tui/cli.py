"""The command line: a twin for every action of the app. Data go to standard output, talk to standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from core.errors import DempoError, InputError, Unchecked, VerificationFailed
from core.facts.plural import number_of
from core.visible import visible
from tui.commands.people import draws
from tui.commands.ranking import judging
from tui.commands.ranking.paper_tables import print_tables
from tui.commands.ranking.power import power
from tui.commands.runs.work_on import work_on
from tui.terminal import tables
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run, run_or_file_names
from tui.terminal.console import Console
from tui.terminal.framed_help import Commands
from tui.terminal.options import (
    AsOf,
    Csv,
    Detach,
    Json,
    NoUntil,
    Quiet,
    RunName,
    RunsDir,
    print_data,
    print_json,
    tell,
    tell_notes,
)

if TYPE_CHECKING:
    from storage.check import Check

app = Commands(name="dempo", no_args_is_help=False, pretty_exceptions_enable=False)
app.add_typer(draws.app, name="draw")
app.add_typer(judging.app, name="judge")
app.command("tables")(print_tables)
app.command()(power)

Until = Annotated[str | None, typer.Option("--until", help="Stop after this stage.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a value, for example run.seed=7.")]


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
    from tui.app import DempoApp

    opened = DempoApp(runs_dir)
    opened.run()
    raise typer.Exit(opened.return_code or 0)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML); `dempo examples` has some.")],
    until: Until = None,
    overrides: Set = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Create a run from a configuration and work through its stages."""
    from core.config_file import load_config
    from core.preflight import preflight
    from storage.judging.other_runs import RunsOnDisk
    from storage.record.create import create_run

    _check_until(until)
    loaded = load_config(config, overrides or ())
    tell_notes(preflight(loaded.config, until, RunsOnDisk(), runs_dir))
    root = create_run(loaded, config.read_text(encoding="utf-8"), runs_dir)
    work_on(root, until, detach, quiet, as_json)


@app.command()
def resume(
    name: RunName,
    until: Until = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change how the run is worked on from now on, for example judge.budget=40."),
    ] = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a run from the last recorded unit of work."""
    _check_until(until)
    work_on(find_run(name, runs_dir), until, detach, quiet, as_json, overrides or ())


@app.command()
def clone(
    name: RunName,
    overrides: Set = None,
    until: Until = None,
    runs_dir: RunsDir = _RUNS,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Start a new run with the configuration of another one, changed by --set."""
    from core.config_file import change
    from core.preflight import preflight
    from storage.draws.history import config_of
    from storage.judging.other_runs import RunsOnDisk
    from storage.record.create import create_run
    from storage.record.reader import Reader
    from storage.withheld import places_left_out

    _check_until(until)
    original = find_run(name, runs_dir)
    reader = Reader(original)
    loaded = change(config_of(reader), overrides or ())
    told = places_left_out(reader)
    tell_notes([f"{told}; they are looked for in the current folder, or where --set says"] if told else [])
    tell_notes(preflight(loaded.config, until, RunsOnDisk(), runs_dir))
    given = original / "config.toml"  # an imported run has none: nobody checked it
    text = given.read_text(encoding="utf-8") if given.is_file() else f"# as recorded in run {original.name}\n"
    work_on(create_run(loaded, text, runs_dir, linked_to=original), until, detach, quiet, as_json)


def _check_until(until: str | None) -> None:
    if until is not None:
        from core.pipeline import check_until

        check_until(until)


@app.command()
def stop(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Ask a run's engine to stop; it goes on from the last recorded unit when resumed."""
    from tui.commands.runs.engine import request_stop

    root = find_run(name, runs_dir)
    request_stop(root)
    tell(f"{root.name} stops at the next safe point; `dempo resume` goes on from the last recorded unit")


@app.command()
def remove(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Remove a run that was cut off before its first event; no other."""
    from storage.record.create import remove_run

    root = find_run(name, runs_dir)
    remove_run(root)
    tell(f"removed {visible(str(root))}, in which nothing was recorded")


@app.command("list")
def list_command(runs_dir: RunsDir = _RUNS, as_json: Json = False) -> None:
    """List the runs, newest first."""
    from storage.record.reader import list_runs
    from tui.commands.runs.listing import columns_of, rows_of

    rows = rows_of(list_runs(runs_dir))
    if as_json:
        print_json({"runs": rows})
    elif not rows:
        tell(f"no runs in {visible(str(runs_dir))} yet; `dempo demo` makes one")
    else:
        print(tables.table(rows, columns_of(rows)))


@app.command()
def show(
    name: RunName,
    view: Annotated[str | None, typer.Option("--view", help="Print a view of the record instead.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="Say why this rater's chance is what it is.")] = None,
    event: Annotated[int | None, typer.Option("--event", help="Print an event whole, by its number.", min=1)] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Print all events of a kind or stage, as draw.made or judge.")
    ] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="Whose leaderboard, instead of the first one's; all for every one.")
    ] = None,
    as_of: AsOf = None,
    _until: NoUntil = None,
    runs_dir: RunsDir = _RUNS,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Show a run's summary, stages and results, a view or events of its record, or the reasons for a rater's chance."""
    from storage.record.reader import Reader
    from tui.commands.record.show import Wanted
    from tui.commands.record.show import show as show_run

    reader = Reader(find_run(name, runs_dir), as_of)
    show_run(reader, Wanted(view, why, event, kind), runs_dir, as_json, method, as_csv)


@app.command()
def watch(name: RunName, runs_dir: RunsDir = _RUNS) -> None:
    """Follow a run's record until its engine ends."""
    from storage.record.reader import Reader
    from tui.commands.runs.watch import follow

    follow(Reader(find_run(name, runs_dir)))


def _explain_check(name: str | None) -> None:
    if name is not None:
        from storage.verify import explained

        print(explained(name))
        raise typer.Exit


@app.command()
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
    as_json: Json = False,
) -> None:
    """Check a run's record: chain, texts, lotteries, draws, weights, scores, signatures … Nothing is written."""
    from storage.verifier.vouching.ssh_signature import Unusable
    from storage.verifier.vouching.vouching import decisive, summary_of, unchecked
    from storage.verify import verify_all

    if demo and (key is not None or head is not None):
        raise InputError("--demo alters copies and compares them with a head of its own; leave out --key and --head")
    root = find_run(name, runs_dir)
    if demo:
        from storage.demonstration import demonstrate, shown_as, told

        shown = list(demonstrate(root))
        altered = {"run_id": root.name, "alterations": [row.row() for row in shown]}
        print_data(altered, as_json, f"{tables.table([shown_as(row) for row in shown])}\n\n{told(shown)}")
        return
    checks = verify_all(root, key, head, files)
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
        raise Unchecked(f"{root.name}: {_not_checked(left)}")


def _why_not(against: Sequence[Check]) -> str:
    """The failed check that breaks at the smallest event; without any, what was asked for and could not be shown."""
    failed = [check for check in against if check.verdict == "failed"]
    if not failed:
        return f"check {against[0].name!r} could not be shown: {against[0].detail}"
    first = min(failed, key=lambda check: (check.event is None, check.event or 0))
    where = f" at event {first.event}" if first.event is not None else ""
    return f"check {first.name!r} failed{where}: {first.detail}"


def _not_checked(left: Sequence[Check]) -> str:
    """What could not be checked, and why the first of it."""
    rest = number_of(len(left) - 1, "other check")
    more = f" (so it is with {rest})" if len(left) > 1 else ""
    return f"check {left[0].name!r} could not be made{more}: {left[0].detail}"


@app.command()
def replay(
    name: RunName,
    stage: Annotated[str | None, typer.Option("--stage", help="Replay this stage only, however long it takes.")] = None,
    as_of: AsOf = None,
    _until: NoUntil = None,
    everything: Annotated[bool, typer.Option("--all", help="Also train, answer and judge again.")] = False,
    all_events: Annotated[
        bool, typer.Option("--all-events", help="Print every event, and not only those that tell something.")
    ] = False,
    runs_dir: RunsDir = _RUNS,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Repeat a run's stages beside its record, and say of every event whether it came out again. Nothing is written."""
    from tui.commands.record.replay import replay as replay_record

    replay_record(find_run(name, runs_dir), stage, as_of, everything, quiet, as_json, all_events)


@app.command()
def rank(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|RUN",
            help="A file of rankings, or a run that has some: its id, a unique prefix of it, or its folder.",
            autocompletion=run_or_file_names,
        ),
    ],
    method: Annotated[
        list[str] | None, typer.Option(metavar="NAME,…", help="Only these methods, such as borda,kemeny.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME,…", help="Rankings restricted to these conditions.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="NAME,…", help="Rankings without these conditions.")] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Only this judge, or LABEL#N: one of its calls."),
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="JUDGE=N", help="Each ranking of a judge counts N times.")
    ] = None,
    resample: Annotated[
        str | None, typer.Option(help="Resample questions (default), rankings (or votes), or clauses.")
    ] = None,
    resamples: Annotated[int | None, typer.Option(help="Bootstrap resamples; 1,000 by default.", min=1)] = None,
    confidence: Annotated[float | None, typer.Option(help="Of intervals; 0.95 by default.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the bootstrap; 0, or the run's.", min=0)] = None,
    view: Annotated[
        str | None, typer.Option("--view", help="Print these rows instead, named as a run's view: pairwise, places, …")
    ] = None,
    runs_dir: RunsDir = _RUNS,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Aggregate the rankings of a file, or of a run once more. Nothing is recorded.

    A file is JSON Lines, a JSON array or CSV (comma, semicolon, tab). Of these shapes each row is one:

    \b
      question_id, judge, ranking       ["a","b","c"], best first; in CSV a > b > c
      question_id, rankings             a list of such lists (the published files)
      question_id, judge, 1, 2, …       CSV: who is first (or: first, second, …)
      question_id, judge, a, b, c       CSV: the rank of each condition, 1 best
      question_id, judge, condition, rank      a row for each condition
      question_id, a, b, winner         a vote between two; winner a name or "tie"
      question_id, model_i, model_j, wins_i, wins_j     votes, counted

    clause_id may stand in any row, as a number or a text; votes may name a judge. Conditions are named by texts, and
    every whole ranking orders the same ones. Votes give only the methods that count pairs.
    """
    from tui.commands.ranking.rank import ranked
    from tui.commands.ranking.rank_options import RankOptions
    from tui.commands.ranking.rank_output import print_ranked
    from tui.commands.ranking.rank_source import source_of

    if as_csv and as_json:
        raise InputError("--csv and --json print in different forms; give one of them")
    named = {"methods": method, "only": only, "drop": drop, "judges": judge, "weights": weight}
    given = {name: tuple(values) for name, values in named.items() if values}
    options = RankOptions(**given, resamples=resamples, resample=resample, confidence=confidence, seed=seed)
    print_ranked(ranked(source_of(source, runs_dir, options)), view, as_json, as_csv)


@app.command()
def plan(
    name: RunName,
    deviate: Annotated[
        list[str] | None,
        typer.Option(
            "--deviate", metavar="HYPOTHESIS", help="Record that it was not tested as planned; `all` for all."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What differs from the plan, and why.")] = None,
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Show what a run planned and what came of it; or record a deviation, which stays."""
    from tui.commands.ranking.plan import deviate_from, show_plan

    root = find_run(name, runs_dir)
    if (reason is None) != (not deviate):
        raise InputError("a deviation takes both: --deviate HYPOTHESIS (or all), and --reason TEXT")
    if deviate and reason is not None:
        deviate_from(root, [] if "all" in deviate else deviate, reason, as_json)
    else:
        show_plan(root, as_json)


@app.command()
def feasible(
    config: Annotated[Path, typer.Argument(help="Configuration (TOML) that has a lottery.")],
    lottery: Annotated[str | None, typer.Option("--lottery", help="Which one, where there are several.")] = None,
    sizes: Annotated[str | None, typer.Option("--sizes", help="Panel sizes, such as 120:170.")] = None,
    overrides: Set = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say for which panel sizes the quotas of a configuration have a panel. Nothing is recorded."""
    from core.config_file import load_config
    from tui.commands.people.feasible import feasible_map

    console = Console(quiet)
    found = feasible_map(load_config(config, overrides or ()).config, lottery, sizes, console)
    console.say(f"{number_of(len(found.answers), 'panel size')}, a pool of {number_of(found.pool, 'person', 'people')}")
    for warning in found.warnings:
        console.say(f"note: {warning}")
    print_data(found.data(), as_json, found.text())
    if found.error is not None:
        raise found.error


@app.command("examples")
def examples_command(
    to: Annotated[
        Path | None, typer.Option("--to", help="Copy them, with the files they name, to this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the example configurations that come with the program, or copy them to a folder of yours."""
    from tui.commands.data.shipped_examples import copy_to, examples

    found = examples() if to is None else copy_to(to)
    rows = [example.row() for example in found]
    print_data({"examples": rows}, as_json, tables.table(rows, {"path": "configuration", "about": "what it is"}))
    if to is None:
        tell("`dempo examples --to DIR` copies them, to be changed and run")


@app.command()
def demo(
    world: Annotated[str, typer.Option(help="planted, null or random.")] = "planted",
    seed: Annotated[int, typer.Option(help="Seed of the world and the run.", min=0)] = 1,
    runs_dir: RunsDir = _RUNS,
    overrides: Set = None,
    until: Until = None,
    detach: Detach = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run everything on a small simulated world whose truth is known: no network, key or GPU."""
    from tui.commands.runs.demo import prepare

    _check_until(until)
    root = prepare(world, seed, runs_dir, overrides or (), until)
    work_on(root, until, detach, quiet, as_json)


@app.command()
def head(
    name: RunName,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to a new file instead.")] = None,
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Print the head of a run's chain, signed where there is a key, to keep elsewhere. Nothing is recorded."""
    from tui.commands.record.head import keepable

    text = keepable(find_run(name, runs_dir), as_json)
    if out is None:
        print(text, end="")
        return
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{out} exists; a head that was kept is never overwritten") from None
    except FileNotFoundError:
        raise InputError(f"there is no folder {out.parent}") from None
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    tell(f"keep {out} where whoever can write the run cannot change it")


@app.command()
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


@app.command()
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
    as_json: Json = False,
) -> None:
    """Write a run as one zip that anyone can check, read and cite. An engine may go on meanwhile."""
    from storage.export.export import default_target, export_run

    root = find_run(name, runs_dir)
    target, console = to or default_target(root, redact or k is not None), Console()
    told = _when_slow(console, "export")
    done = export_run(root, target, redact=redact, k=k, force=force, agent=agent, told=told)
    console.say(f"dempo: wrote {done.files:,} files, {done.bytes / 1024**2:.1f} MiB")
    print_data(asdict(done), as_json, f"{done.path}\nSHA-256 {done.sha256}\nhead: event {done.seq}, {done.head}")
    for sentence in done.left_out:
        console.say(f"dempo: left out: {visible(sentence)}")
    if done.failed_checks:
        names = ", ".join(done.failed_checks)
        console.say(f"dempo: this record fails checks ({names}); `dempo verify` says why")


@app.command("copy")
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
    done = copy_run(find_run(name, runs_dir), to, checkpoints=checkpoints, told=_when_slow(console, "copy"))
    checked = summary_of(list(done.checks))
    print_data(asdict(done), as_json, f"{visible(done.path)}\n{checked}")
    if done.private:
        console.say("dempo: note: private/ was copied too; it says who the raters are")
    if not done.checkpoints:
        console.say("dempo: note: without checkpoints; --checkpoints copies the trained models where there are any")


@app.command("import")
def import_command(
    bundle: Annotated[Path, typer.Argument(help="A zip that `dempo export` wrote.")],
    runs_dir: RunsDir = _RUNS,
    as_json: Json = False,
) -> None:
    """Check somebody else's bundle and keep its run here, to be read and never written."""
    from tui.commands.record.importing import checks_of, import_run, print_imported

    console = Console()
    done = import_run(bundle, runs_dir, console, _when_slow(console, "import"))
    print_imported(done, console, as_json)
    left = [check for check in checks_of(done) if check.verdict == "unchecked"]
    if left:
        raise Unchecked(f"{done.run_id} was imported; {_not_checked(left)}")


@app.command("import-published")
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


def _when_slow(console: Console, command: str) -> Callable[[str, float, float], None]:
    """Progress on standard error, once a command has taken two seconds."""
    begun = time.monotonic()

    def told(what: str, done: float, total: float) -> None:
        if time.monotonic() - begun >= 2:
            console.progress(command, done, total, what)

    return told
