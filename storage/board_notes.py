"""What leaderboards say beside their numbers, from the rows of views: for whoever shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.ranking.notes import notes_of
from core.facts.ranking.positions import newest_rule, places_in_consensus, positions_by

REMARK = "its order was made by a rule since found wrong: rank again"

Row = Mapping[str, Any]


def board_notes(boards: Iterable[Row], details: Iterable[Row]) -> dict[str, list[str]]:
    """The notes of each method, in the order of the boards; the first says where another rule made its order.

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
        notes = notes_of(method, first["rule"], str(first["resample"]), first["units"], places, detail)
        return [REMARK, *notes] if _outdated(method, board, detail) else notes
    except (TypeError, ValueError):
        return ["its details are not numbers: run `dempo verify`"]


def _outdated(method: str, board: list[Row], detail: Mapping[str, Any]) -> bool:
    """Whether the recorded board stands in another order than the rule of today gives it."""
    if board[0]["rule"] >= newest_rule(method):
        return False
    places = places_in_consensus(detail, [str(row["condition"]) for row in board])
    return places is None or [row["position"] for row in board] != positions_by(places)
