"""What `dempo rank` prints: tables, JSON, or the rows of the boards as CSV."""

from __future__ import annotations

from typing import Any

from tui.commands.ranking.rank import Ranked
from tui.terminal import tables
from tui.terminal.csv_output import print_csv
from tui.terminal.options import print_json, tell_notes

_COLUMNS = ("method", "condition", "score", "low", "high", "position")


def print_ranked(found: Ranked, as_json: bool, as_csv: bool) -> None:
    """Prints what was found; beside CSV, what is to be said goes to standard error."""
    if as_csv:
        print_csv(found.rows)
        tell_notes([*found.notes, *found.first])
    elif as_json:
        print_json(ranked_data(found))
    else:
        print(ranked_text(found, tables.terminal() or 80))


def ranked_data(found: Ranked) -> dict[str, Any]:
    """All of it as JSON values."""
    of_jury = found.jury.data()
    return {
        "leaderboards": [{key: row[key] for key in _COLUMNS} for row in found.rows],
        "shown_places": list(found.first),
        "jury_leaderboards": of_jury["jury_leaderboards"],
        "judge_agreement": of_jury["judge_agreement"],
        "notes": list(found.notes),
        "clauses": [{"clause_id": number, "clause": name} for number, name in found.clauses.items()],
    }


def ranked_text(found: Ranked, width: int) -> str:
    """All of it in words."""
    pooled = [(row["method"], row["position"], row["condition"]) for row in found.rows]
    head = [*map(tables.remark, found.notes), *([""] if found.notes else [])]
    lines = [*head, tables.leaderboards(found.rows, found.first), "", *found.jury.lines(pooled, width)]
    return "\n".join(lines).rstrip()
