"""From floating-point duals to the integers that they stand for, up to a positive factor.

Duals of a basic solution solve a linear system with integer coefficients, so they are proportional to
a vector of integers, mostly small ones. A proof with integers can be checked without tolerances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

LARGEST_SMALL = 10**6
"""Integers up to this count as small: an integer programme tells sums of them apart without doubt."""

LARGEST_DENOMINATOR = 1000
"""Ratios of duals are taken for fractions up to this denominator; larger ones would fit any number."""

SCALE = 2**40
"""Denominator where no small integers fit."""

AGREES = 1e-8
"""Relative distance at which a ratio of duals counts as the fraction next to it."""


def null_vector(equations: Iterable[Sequence[int]], unknowns: int) -> tuple[int, ...] | None:
    """The coprime integers v ≠ 0 with e·v = 0 for every equation e, up to sign.

    Elimination without fractions; it stops once `unknowns` − 1 equations are independent, so the caller
    checks the others. None where the solutions are not a line.
    """
    pivots: list[tuple[int, list[int]]] = []
    for equation in equations:
        if len(pivots) == unknowns - 1:
            break
        row = _reduced(list(equation), pivots)
        column = next((c for c, entry in enumerate(row) if entry), None)
        if column is not None:
            pivots.append((column, row))
    if len(pivots) != unknowns - 1:
        return None
    return _back_substituted(pivots, unknowns)


def _reduced(row: list[int], pivots: Sequence[tuple[int, list[int]]]) -> list[int]:
    """The row without the pivots' columns, divided by the greatest common divisor of its entries."""
    for column, pivot in pivots:
        if row[column]:
            here, there = row[column], pivot[column]
            row = [there * a - here * b for a, b in zip(row, pivot, strict=True)]
            divisor = math.gcd(*row)
            if divisor > 1:
                row = [a // divisor for a in row]
    return row


def _back_substituted(pivots: Sequence[tuple[int, list[int]]], unknowns: int) -> tuple[int, ...]:
    used = {column for column, _ in pivots}
    value = [Fraction(0)] * unknowns
    value[next(c for c in range(unknowns) if c not in used)] = Fraction(1)
    for column, row in reversed(pivots):
        others = sum((a * value[c] for c, a in enumerate(row) if a and c != column), Fraction(0))
        value[column] = -others / row[column]
    return coprime(value)


def coprime(values: Sequence[Fraction]) -> tuple[int, ...]:
    """The integers without a common divisor that are a positive multiple of the values."""
    common = math.lcm(*(v.denominator for v in values))
    integers = [int(v * common) for v in values]
    divisor = math.gcd(*integers) or 1
    return tuple(i // divisor for i in integers)


def small_integers(values: Sequence[float]) -> tuple[int, ...] | None:
    """Integers up to `LARGEST_SMALL` that are a positive multiple of the values, as far as floats tell; or None."""
    smallest = min((abs(v) for v in values if v), default=0.0)
    if smallest == 0:
        return None
    ratios = [v / smallest for v in values]
    common = 1
    for ratio in ratios:
        near = Fraction(ratio * common).limit_denominator(LARGEST_DENOMINATOR)
        common *= near.denominator
        if common * max(abs(r) for r in ratios) > LARGEST_SMALL:
            return None
    integers = [round(ratio * common) for ratio in ratios]
    if any(abs(i - r * common) > AGREES * max(1.0, abs(r * common)) for i, r in zip(integers, ratios, strict=True)):
        return None
    divisor = math.gcd(*integers)
    return tuple(i // divisor for i in integers)


def scaled_integers(values: Sequence[float]) -> tuple[int, ...]:
    """The values times `SCALE` over the largest of them, rounded."""
    largest = max(abs(v) for v in values)
    return tuple(round(v / largest * SCALE) for v in values)
