"""What leaderboards say beside their numbers, from the rows of views: for whoever shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.ranking.notes import notes_of

Row = Mapping[str, Any]


def board_notes(boards: Iterable[Row], details: Iterable[Row]) -> dict[str, list[str]]:
    """The notes of each method, in the order of the boards.

    Args:
        boards, details: rows of the views `leaderboards` and `leaderboard_details`, whatever a stranger wrote there.
    """
    rows: dict[str, list[Row]] = defaultdict(list)
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in boards:
        rows[str(row["method"])].append(row)
    for row in details:
        found[str(row["method"])][str(row["name"])] = row["value"]
    return {method: _notes(method, board, found[method]) for method, board in rows.items()}


def _notes(method: str, board: list[Row], detail: Mapping[str, Any]) -> list[str]:
    first = board[0]
    places = {str(row["condition"]): row["position"] for row in board}
    try:
        return notes_of(method, str(first["resample"]), first["units"], places, detail)
    except (TypeError, ValueError):
        return ["its details are not numbers: run `dempo verify`"]
