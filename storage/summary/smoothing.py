"""Means of neighbouring steps: what curves of training show in place of every step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

POINTS = 40
"""Points of a curve: the loss of single steps of DPO is so noisy that the curves would hide one another."""


def neighbours(lengths: Iterable[int]) -> int:
    """Of how many steps each point is the mean, for curves of these lengths."""
    return max([1, *(-(-length // POINTS) for length in lengths)])


def means(xs: Sequence[float], ys: Sequence[float], size: int) -> tuple[list[float], list[float]]:
    """Means of `size` neighbouring points each (fewer at the end); what is not finite is left out."""
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return (
        [sum(x for x, _ in group) / len(group) for group in groups],
        [sum(y for _, y in group) / len(group) for group in groups],
    )
