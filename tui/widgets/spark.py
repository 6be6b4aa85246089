"""A few numbers as blocks of eight heights, where a curve would take more room than it says."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int) -> str:
    """The numbers in `width` cells at most, each the mean of its neighbours; what is not finite is left out.

    The lowest block is the least of what is shown, the highest the greatest; numbers that are all alike lie low.
    """
    finite = [value for value in values if math.isfinite(value)]
    cells = min(width, len(finite))
    shown = [_mean(finite[len(finite) * cell // cells : len(finite) * (cell + 1) // cells]) for cell in range(cells)]
    low, extent = min(shown, default=0.0), max(shown, default=0.0) - min(shown, default=0.0)
    if not 0 < extent < math.inf:
        return _BLOCKS[0] * cells
    return "".join(_BLOCKS[min(7, int(8 * (value - low) / extent))] for value in shown)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(value / len(values) for value in values)
