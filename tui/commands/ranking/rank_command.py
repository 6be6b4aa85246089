"""`dempo rank`: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from core.errors import InputError
from tui.terminal.command_line import DEFAULT_RUNS as _RUNS
from tui.terminal.completion import run_or_file_names
from tui.terminal.options import Csv, Json, RunsDir


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
    published_intervals: Annotated[
        bool | None,
        typer.Option(
            "--published-intervals/--no-published-intervals",
            help="Intervals of plackett_luce_published above 12 conditions too, which take long; as the run has it.",
            show_default=False,
        ),
    ] = None,
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
    options = RankOptions(
        **given,
        resamples=resamples,
        resample=resample,
        confidence=confidence,
        seed=seed,
        published_intervals=published_intervals,
    )
    print_ranked(ranked(source_of(source, runs_dir, options)), view, as_json, as_csv)
