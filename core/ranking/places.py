"""Which places the conditions take in the resamples, and how often these have the order of the data.

Conditions that are equal in a resample stand in any order: each of them takes each of their places alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.facts.ranking.positions import TIED_BELOW
from core.ranking.bootstrap import CELLS_AT_ONCE
from core.ranking.counts import Floats


@dataclass(frozen=True)
class Places:
    """shares[i, p] is the share of resamples in which condition i has place p, from 0: rows and columns sum to 1.

    exact_match is the share of resamples with the order of the data: 1 or 0 for each where both have one order, and
    else the share of the resample's orders that are orders of the data too.
    """

    shares: Floats
    exact_match: float


def places_by_score(score: Floats, samples: Floats) -> Places:
    """Places of the conditions by their scores, higher ones first; those equal to nine decimals are tied.

    Args:
        score: of the data, shape (m,).
        samples: of the resamples, shape (B, m).
    """
    (resamples, m), same = samples.shape, 0.0
    shares = np.zeros((m, m))
    at_once = max(1, CELLS_AT_ONCE // m**2)
    ahead, tied = _compared(score)
    for start in range(0, resamples, at_once):
        before, equal = _compared(samples[start : start + at_once])
        first, size = before.sum(axis=2)[:, :, None], equal.sum(axis=2)[:, :, None]
        shares += (((first <= np.arange(m)) & (np.arange(m) < first + size)) / size).sum(axis=0)
        # The number of tied conditions before each one, plus one: their product is the number of orders.
        orders = 1 + np.tril(equal, -1).sum(axis=2)
        shared = 1 + np.tril(equal & tied, -1).sum(axis=2)
        against = (before & ahead.T).any(axis=(1, 2))
        same += float(np.where(against, 0.0, (shared / orders).prod(axis=1)).sum())
    return Places(shares / resamples, same / resamples)


def _compared(score: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Whether j stands before i, and whether they are tied, in [..., i, j]. score (..., m), results (..., m, m)."""
    finite = np.isfinite(score)
    rounded = np.where(finite, np.rint(np.where(finite, score, 0.0) * TIED_BELOW) / TIED_BELOW, score)
    own, other = rounded[..., :, None], rounded[..., None, :]
    return other > own, other == own


def places_by_order(places: Floats, same: Floats) -> Places:
    """The means over the resamples of the shares of their best orders. places (B, m, m), same (B,)."""
    return Places(places.mean(axis=0), float(same.mean()))
