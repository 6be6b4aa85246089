"""Rows about what was planned, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("hypotheses")
@dataclass(frozen=True)
class HypothesisRow:
    """What was expected of two conditions, what the rankings say of it, and whether it was tested as planned."""

    hypothesis: Any
    better: Any
    than: Any
    by: Any
    method: Any
    difference: Any
    low: Any
    high: Any
    holds: Any
    p: Any
    adjusted: Any
    verdict: Any
    status: Any
    reason: Any
    note: Any
    event: Any
