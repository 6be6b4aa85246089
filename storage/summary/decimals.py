"""One precision for all numbers of a column, so that their decimal points stand below each other."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

SCIENTIFIC = -1
"""In place of a count of decimals: all are too small for any."""

_TINY = 5e-4
"""What three decimals show as nothing."""


def as_number(value: Any) -> float | None:
    """The float that a recorded value stands for, "nan" and the infinities by their names; None for all else."""
    if isinstance(value, str):
        return float(value) if value in ("nan", "inf", "-inf") else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def decimals_of(values: Iterable[Any]) -> int:
    """Decimals that show a column: none of whole numbers, one from 100 on, two from 10 on, else three.

    `SCIENTIFIC` where every number would be shown as 0.000.
    """
    numbers = [number for number in map(as_number, values) if number is not None and math.isfinite(number)]
    largest = max(map(abs, numbers), default=0.0)
    if all(number.is_integer() for number in numbers):
        return 0
    if largest < _TINY:
        return SCIENTIFIC
    return 1 if largest >= 100 else 2 if largest >= 10 else 3


def shown(value: float, decimals: int) -> str:
    """A number with so many decimals; what is not finite by its sign or in words."""
    if math.isnan(value):
        return "no number"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if decimals == SCIENTIFIC:
        return f"{value:.1e}" if value else "0"
    return f"{value:z,.{decimals}f}"
