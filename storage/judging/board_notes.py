"""What leaderboards say beside their numbers, from the rows of views: for whoever shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.facts.ranking.methods import primary_method
from core.facts.ranking.notes import notes_of
from storage.record.rows import BoardDetailRow, BoardRow, FamilyRow

SAID_IN_NOTES = frozenset(
    {
        "exact_match",
        "gap",
        "majority_separable",
        "orders",
        "orders_counted",
        "separable",
        "separable_resamples",
        "settled",
        "train_rankings",
        "unproven_resamples",
        "unsettled_resamples",
        "vanished",
        "vanished_resamples",
    }
)
"""Details of a board that its notes say in words, wherever there is anything to say of them."""


def by_method(rows: Iterable[BoardRow]) -> dict[str, list[BoardRow]]:
    """The rows of each method, in their order."""
    boards: dict[str, list[BoardRow]] = defaultdict(list)
    for row in rows:
        boards[str(row.method)].append(row)
    return dict(boards)


def primary_first(boards: Mapping[str, list[BoardRow]], planned: str | None) -> dict[str, list[BoardRow]]:
    """The boards with that of the primary method before the others, which stay in their order.

    Args:
        planned: the primary method of the run's plan, None without a plan.
    """
    primary = [primary_method(list(boards), planned)] if boards else []
    return {method: boards[method] for method in (*primary, *boards)}


def board_notes(
    boards: Mapping[str, Sequence[BoardRow]], details: Iterable[BoardDetailRow], families: Iterable[FamilyRow]
) -> dict[str, list[str]]:
    """The notes of each method, in the order of the boards, whatever a stranger wrote there."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for detail in details:
        found[str(detail.method)][str(detail.name)] = detail.value
    spread: dict[str, list[str]] = defaultdict(list)
    for family in families:
        spread[str(family.method)].append(str(family.family))
    return {method: _notes(method, board, found[method], spread[method]) for method, board in boards.items()}


def _notes(method: str, board: Sequence[BoardRow], detail: Mapping[str, Any], families: Sequence[str]) -> list[str]:
    places = {str(row.condition): row.position for row in board}
    try:
        of = board[0]
        return notes_of(method, str(of.resample), of.units, places, detail, families, str(of.interval))
    except (TypeError, ValueError):
        return ["its details are not numbers: run `dempo verify`"]
