"""Transforms: f in the weight w_r = f(π_r) of a rater."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction

POWER = re.compile(r"power:([0-9]{1,2}(?:\.[0-9]{1,9})?)", re.ASCII)
NAMED = ("identity", "sqrt", "square", "clipped")
LARGEST_POWER = 16
"""No positive π is so small that its 16th power is zero as a float."""

CLIPPED_AT = (Fraction(5, 100), Fraction(95, 100))
_PRECISE = Context(prec=50)


def power_of(transform: str) -> Decimal | None:
    """p of a transform "power:<p>"; None where it is none, or p is not above 0 and at most 16."""
    found = POWER.fullmatch(transform)
    power = Decimal(found.group(1)) if found else Decimal(0)
    return power if 0 < power <= LARGEST_POWER else None


def is_transform(transform: str) -> bool:
    """Whether there is such a transform."""
    return transform in NAMED or power_of(transform) is not None


def transformed(chances: Sequence[Fraction], transform: str) -> list[float]:
    """f(π) of every rater; zero stays zero whatever the transform.

    π is exact. The identity, π² and the clipped π are rounded once, √π is the root of the rounded π. Another power is
    worked out with 50 decimal digits and then rounded, so that every machine finds the same float.

    Args:
        chances: π of every rater of the pool, each once: the quantiles of "clipped" are over them.

    Raises:
        ValueError: there is no such transform.
    """
    if not is_transform(transform):
        raise ValueError(f"{transform!r} is no transform of π")
    low, high = clip_of(chances) if transform == "clipped" else (Fraction(0), Fraction(0))
    return [_transformed(pi, transform, low, high) if pi > 0 else 0.0 for pi in chances]


def _transformed(pi: Fraction, transform: str, low: Fraction, high: Fraction) -> float:
    if transform == "clipped":
        return float(min(max(pi, low), high))
    if transform == "sqrt":
        return math.sqrt(pi)
    power = power_of(transform)
    if power is not None:
        exact = _PRECISE.divide(Decimal(pi.numerator), Decimal(pi.denominator))
        return float(_PRECISE.power(exact, power))
    return float(pi**2 if transform == "square" else pi)


def clip_of(chances: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """The quantiles q05 and q95 of the positive π, exactly; (0, 0) where no π is positive."""
    positive = sorted(pi for pi in chances if pi > 0)
    if not positive:
        return Fraction(0), Fraction(0)
    low, high = CLIPPED_AT
    return _quantile(positive, low), _quantile(positive, high)


def _quantile(ordered: Sequence[Fraction], share: Fraction) -> Fraction:
    """Between the two values beside place (n − 1)·share, in proportion: numpy's "linear"."""
    place = (len(ordered) - 1) * share
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
