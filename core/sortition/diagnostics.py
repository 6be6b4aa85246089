"""How unequal the inclusion probabilities of a pool are. All functions take one π per rater, shape (n,)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def per_rater(pi_by_type: Sequence[float], type_of: Sequence[int]) -> np.ndarray:
    """π of every rater, from π of every type."""
    return np.asarray(pi_by_type, dtype=np.float64)[np.asarray(type_of, dtype=np.int64)]


def gini(pi: ArrayLike) -> float:
    """Σ_ij |π_i − π_j| / (2·n·Σπ): 0 where all are equal, towards 1 where one rater has everything."""
    ordered = np.sort(np.asarray(pi, dtype=np.float64))
    n, total = len(ordered), float(ordered.sum())
    if total <= 0:
        raise ValueError("the Gini coefficient needs a positive probability")
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ordered) / (n * total)


def max_min_ratio(pi: ArrayLike) -> float:
    """Largest over smallest probability; infinite where a rater has no chance."""
    values = np.asarray(pi, dtype=np.float64)
    smallest = float(values.min())
    return float("inf") if smallest == 0 else float(values.max()) / smallest


def coefficient_of_variation(pi: ArrayLike) -> float:
    """Standard deviation (of the pool as a whole, divisor n) over mean."""
    values = np.asarray(pi, dtype=np.float64)
    return float(values.std() / values.mean())


def without_chance(pi: ArrayLike) -> tuple[int, ...]:
    """Pool indices of the raters with π = 0."""
    return tuple(np.flatnonzero(np.asarray(pi, dtype=np.float64) == 0).tolist())
