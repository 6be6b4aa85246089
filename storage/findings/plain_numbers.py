"""Numbers of a record in words: a stranger's may hold anything."""

from __future__ import annotations

import math
from typing import Any

UNDEFINED = "–"
"""In place of a number that is not one."""


def plain_number(value: Any, digits: int = 3) -> str:
    """So many decimals; empty where there is none, a dash where nothing was there to compare, "?" for no number."""
    found = as_number(value)
    if found is None:
        return "" if value is None else "?"
    return UNDEFINED if math.isnan(found) else f"{found:z.{digits}f}"


def plain_count(value: Any) -> str:
    """A whole number with commas; as `plain_number` where it is none."""
    found = as_number(value)
    return f"{found:,.0f}" if found is not None and math.isfinite(found) else plain_number(value, 0)


def as_number(value: Any) -> float | None:
    """The number that a cell holds, or names; None where it does neither."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
