"""What `dempo rank` prints: tables, JSON, or the rows of the boards or of a view, also as CSV."""

from __future__ import annotations

from typing import Any

from core.errors import InputError
from storage.findings.pairs_found import THE_REST
from tui.commands.ranking.rank import Ranked
from tui.terminal import tables
from tui.terminal.csv_output import print_csv
from tui.terminal.options import print_json, print_rows, tell_notes

_APART = ("note",)
"""Columns of rows of boards that the view does not have."""


def print_ranked(found: Ranked, view: str | None, as_json: bool, as_csv: bool) -> None:
    """Prints what was found, or the rows of one view of it; beside rows, what is to be said goes to standard error.

    Raises:
        InputError: there is no such view.
    """
    if as_csv:
        print_csv(found.rows if view is None else _rows_of(found, view))
        tell_notes([*found.notes, *found.first])
    elif view is not None:
        print_rows(view, _rows_of(found, view), "", as_json, digits=6)
        tell_notes(found.notes)
    elif as_json:
        print_json(ranked_data(found))
    else:
        print(ranked_text(found, tables.terminal() or 80))


def rows_by_view(found: Ranked) -> dict[str, list[dict[str, Any]]]:
    """All rows under the names of the views that a run has of them."""
    of_jury = found.jury.data()
    return {
        "leaderboards": [{key: x for key, x in row.items() if key not in _APART} for row in found.rows],
        "leaderboard_details": found.details,
        **found.pairs.data(),
        **found.robustness.data(),
        "jury_leaderboards": of_jury["jury_leaderboards"],
        "judge_agreement": of_jury["judge_agreement"],
        **found.judges.data(),
    }


def _rows_of(found: Ranked, view: str) -> list[dict[str, Any]]:
    every = rows_by_view(found)
    if view not in every:
        raise InputError(f"--view {view!r}: rankings in a file give {', '.join(every)}")
    return every[view]


def ranked_data(found: Ranked) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        **rows_by_view(found),
        "ahead": found.ahead,
        "shown_places": list(found.first),
        "notes": list(found.notes),
        "clauses": [{"clause_id": number, "clause": name} for number, name in found.clauses.items()],
    }


def ranked_text(found: Ranked, width: int) -> str:
    """All of it in words."""
    pooled = [(row["method"], row["position"], row["condition"]) for row in found.rows]
    head = [*map(tables.remark, [found.ahead, *found.notes]), ""]
    beside = [
        *found.pairs.win_rates(width, THE_REST),
        *found.robustness.lines(width),
        *found.jury.lines(pooled, width),
        *found.judges.lines(width, THE_REST),
    ]
    boards = tables.leaderboards(found.rows, found.first, found.pairs.firsts())
    return "\n".join([*head, boards, "", *beside, *_clauses(found)]).rstrip()


def _clauses(found: Ranked) -> list[str]:
    """The texts by which a file calls its clauses, beside the numbers that they have here."""
    if not found.clauses or not found.judges.clauses:
        return []
    return ["Clauses by their numbers", *(tables.remark(f"{n}: {name}") for n, name in found.clauses.items())]
