"""Where an axis in a terminal has its ticks, and what is written beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.facts.ticks import round_step

_LONGEST = 6
"""Decimals, or digits before the point, from which on a number is written with a power of ten."""


@dataclass(frozen=True)
class Ticks:
    """Values in rising order, each with its label."""

    values: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def width(self) -> int:
        """Of the longest label."""
        return max((len(label) for label in self.labels), default=0)

    def within(self, low: float, high: float, columns: int) -> Ticks:
        """The same for an axis beneath a plot: its last label, centred as all are, ends where the plot does."""
        if not self.values:
            return self
        column = math.floor((self.values[-1] - low) / (high - low) * columns)
        beyond = column + len(self.labels[-1]) // 2 - columns
        return Ticks(self.values, (*self.labels[:-1], self.labels[-1] + "  " * max(0, beyond)))


def ticks(low: float, high: float, most: int, whole: bool = False) -> Ticks:
    """The multiples of a round step from `low` to `high`, about `most` of them; `whole` ones for what is counted."""
    step = round_step(max(high - low, _least(low, high)), most)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step), math.floor(high / step)
    values = tuple(step * number for number in range(first, min(last, first + most) + 1))
    return Ticks(values, tuple(_label(value, step, values) for value in values))


def _least(low: float, high: float) -> float:
    """A span that floats of this size can tell apart from none."""
    return max(abs(low), abs(high), 1e-290) * 1e-9


def _label(value: float, step: float, values: tuple[float, ...]) -> str:
    """With as many decimals as the step has, so that labels of an axis are alike."""
    power = math.floor(math.log10(step) + 1e-9)
    largest = max(abs(known) for known in values)
    if power > -_LONGEST and largest < 10**_LONGEST:
        return f"{value + 0.0:,.{max(0, -power)}f}"
    if not value:
        return "0"
    digits = max(0, math.floor(math.log10(abs(value)) + 1e-9) - power)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"
