"""Bootstrap resamples as weights: how often each unit (question, ranking or clause) was drawn.

Drawing U of U units with replacement gives unit u a weight; since wins and choices are sums over units, a
resample's sums are its weights times the units' sums. All methods share one set of resamples. The
indices are audited: resample b takes the values b·U … (b + 1)·U − 1 of the stream's integers below U.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.random_arrays import integers
from core.ranking.counts import Floats

Progress = Callable[[float, float, str], None]

DRAWN_AT_ONCE = 200_000
CELLS_AT_ONCE = 4_000_000
"""Values that are held in memory at once, as indices and as floats."""


def draw_weights(units: int, resamples: int, stream: RandomStream, progress: Progress) -> NDArray[np.uint32]:
    """Weights of the data as given (row 0, all ones) and of the resamples (rows 1…). Shape (1 + resamples, units).

    They come from the stream's child "bootstrap", so the same stream gives the same weights every time.
    """
    stream = stream.child("bootstrap")
    weights = np.ones((1 + resamples, units), dtype=np.uint32)
    at_once = max(1, DRAWN_AT_ONCE // units)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = integers(stream, units, rows * units).reshape(rows, units)
        cells = (drawn + units * np.arange(rows)[:, None]).ravel()
        counts = np.bincount(cells, minlength=rows * units).reshape(rows, units)
        weights[1 + start : 1 + start + rows] = counts
        progress(start + rows, resamples, "drawing resamples")
    return weights


def weighted_batches(weights: NDArray[np.uint32], features: Any, width: int) -> Iterator[tuple[slice, Floats]]:
    """Yields rows of weights @ features, a batch at a time, with the rows' place.

    Args:
        weights: shape (1 + B, U).
        features: per unit, dense or sparse, shape (U, K).
        width: the number of floats that the caller needs per row, which bounds the batch.
    """
    at_once = max(1, CELLS_AT_ONCE // max(width, weights.shape[1]))
    for start in range(0, len(weights), at_once):
        rows = slice(start, min(start + at_once, len(weights)))
        yield rows, np.ascontiguousarray((features.T @ weights[rows].astype(np.float64).T).T)


def weighted_wins(weights: NDArray[np.uint32], wins: Floats) -> Floats:
    """Win matrices of all rows of weights. wins (U, m, m), result (1 + B, m, m)."""
    units, m, _ = wins.shape
    found = np.empty((len(weights), m * m))
    for rows, sums in weighted_batches(weights, wins.reshape(units, m * m), m * m):
        found[rows] = sums
    return found.reshape(-1, m, m)


def percentile_interval(samples: Floats, tail: float) -> tuple[Floats, Floats]:
    """Percentiles over resamples beyond which that share of them lies on each side. samples (B, …), results (…).

    Interpolated linearly; where a sample is infinite, which cannot be interpolated, order statistics. NaN of no sample.

    Args:
        tail: of so many units, at that confidence (`core.facts.ranking.intervals.tail_of`).

    Raises:
        ValueError: tail is no share up to a half.
    """
    if not 0 <= tail <= 0.5:
        raise ValueError(f"percentile_interval(…, {tail}): a tail is a share of resamples from 0 to 0.5")
    if not len(samples):
        nothing = np.full(samples.shape[1:], np.nan)
        return nothing, nothing
    tails = [tail, 1 - tail]
    method: Literal["linear", "inverted_cdf"] = "linear" if np.isfinite(samples).all() else "inverted_cdf"
    low, high = np.quantile(samples, tails, axis=0, method=method)
    return low, high
