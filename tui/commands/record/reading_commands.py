"""`dempo show`, `replay` and `head`: their options. They read a record and write none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import InputError
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import find_run
from tui.terminal.options import AsOf, Csv, Json, NoUntil, Quiet, RunName, RunsDir
from tui.terminal.progress_lines import ProgressLines
from tui.terminal.telling import tell


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
    progress: ProgressLines = False,
    as_json: Json = False,
) -> None:
    """Repeat a run's stages beside its record, and say of every event whether it came out again. Nothing is written."""
    from tui.commands.record.replay import replay as replay_record

    replay_record(find_run(name, runs_dir), stage, as_of, everything, quiet, as_json, all_events, progress)


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
