"""The spread of scores between the conditions of a family, as between several draws from one lottery."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from storage.record.rows import FamilyRow

REMARK = (
    "mean, smallest, largest: of the scores of a family's conditions; deviation: their standard deviation, with one "
    "less than their number; width: mean width of their intervals, which hold draws fixed"
)
COLUMNS = ("method", "family", "members", "mean", "smallest", "largest", "deviation", "width")


def spread_table(rows: Iterable[FamilyRow]) -> list[dict[str, Any]]:
    """A line for each method and family; without a deviation where there is one condition alone."""
    lines = [vars(row) | {"deviation": _root(row.variance)} for row in rows]
    return [{name: line[name] for name in COLUMNS} for line in lines]


def _root(variance: Any) -> float | None:
    return math.sqrt(variance) if isinstance(variance, int | float) and variance >= 0 else None
