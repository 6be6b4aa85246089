"""Round steps of an axis, which plots of the terminal and of reports have in common."""

from __future__ import annotations

import math


def round_step(span: float, most: int) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that goes into a span at most `most` times.

    Raises:
        ValueError: the span isn't positive.
    """
    power = math.floor(math.log10(span / most))
    steps = (factor * 10.0**exponent for factor, exponent in ((1, power), (2, power), (5, power)))
    return next((step for step in steps if span / step <= most), 10.0 ** (power + 1))
