"""Which recorded results were made by a rule since found wrong: for whoever shows them, verification aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.ranking.positions import newest_rule, places_in_consensus, positions_by

REMARK = "its order was made by a rule since found wrong: rank again"


def outdated_boards(boards: Iterable[Mapping[str, Any]], details: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The methods whose recorded board stands in another order than the rule of today gives it.

    Args:
        boards, details: rows of the views `leaderboards` and `leaderboard_details`, whatever a stranger wrote there.
    """
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in boards:
        rows[str(row["method"])].append(row)
    for row in details:
        found[str(row["method"])][str(row["name"])] = row["value"]
    return frozenset(method for method, board in rows.items() if _outdated(method, board, found[method]))


def _outdated(method: str, board: list[Mapping[str, Any]], detail: Mapping[str, Any]) -> bool:
    try:
        if board[0]["rule"] >= newest_rule(method):
            return False
        places = places_in_consensus(detail, [str(row["condition"]) for row in board])
        return places is None or [row["position"] for row in board] != positions_by(places)
    except (TypeError, ValueError):
        return False  # not one of this program's: verification says so
