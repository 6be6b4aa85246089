"""Which recorded results were made by a rule since found wrong: for whoever shows them, verification aside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from core.facts.ranking.positions import newest_rule, places_in_consensus, positions_by

BOARDS = "SELECT payload FROM events WHERE kind = 'leaderboard.computed'"

REMARK = "its order was made by a rule since found wrong: rank again"


def outdated_boards(payloads: Iterable[str]) -> frozenset[str]:
    """The methods whose recorded board stands in another order than the rule of today gives it.

    Args:
        payloads: those of the events `leaderboard.computed`, whatever a stranger wrote there.
    """
    return frozenset(method for method in map(_outdated, payloads) if method)


def _outdated(payload: str) -> str:
    try:
        values: dict[str, Any] = json.loads(payload)
        method, rows = str(values["method"]), values["rows"]
        if values.get("rule", 1) >= newest_rule(method):
            return ""
        places = places_in_consensus(values["detail"], [row["condition"] for row in rows])
        right = places is not None and [row["position"] for row in rows] == positions_by(places)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""  # not one of this program's: verification says so
    return "" if right else method
