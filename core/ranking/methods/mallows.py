"""Mallows: P(ranking) ∝ e^{−φ·d(ranking, consensus)}, with d the Kendall distance (pairs in the other order).

The consensus is the Kemeny order of a train split, φ solves E_φ[d] = mean distance of the train split to it,
and the model is judged by the log-likelihood of the rankings that were held out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Floats

SPLIT_SEED = 42
"""Seed of the published split; Python's own generator, because the published scripts use it."""


def held_out(rankings: int) -> NDArray[np.bool_]:
    """Which rankings are held out: the first fifth of `random.Random(42).shuffle`, none of fewer than five."""
    shuffled = list(range(rankings))
    random.Random(SPLIT_SEED).shuffle(shuffled)
    mask = np.zeros(rankings, dtype=bool)
    mask[shuffled[: rankings // 5]] = True
    return mask


def distances(wins: Floats, order: Sequence[int]) -> Floats:
    """Σ of Kendall distances to `order` of the rankings behind each win matrix. wins (…, m, m), result (…)."""
    arranged = wins[..., list(order), :][..., list(order)]
    total: Floats = np.tril(arranged, -1).sum(axis=(-1, -2))
    return total


def expected_distance(phi: Floats, m: int) -> Floats:
    """E_φ[d] for φ ≥ 0; phi (…), result (…).

    The distance is a sum of independent parts V_j, j = 1…m, with P(V_j = k) ∝ e^{−kφ} for k = 0…j − 1 (Fligner and
    Verducci 1986), so E_φ[d] = Σ_j (Σ_{k<j} k e^{−kφ}) / (Σ_{k<j} e^{−kφ}), a form that holds at φ = 0 too.
    """
    k = np.arange(m)
    powers = np.exp(-np.asarray(phi)[..., None] * k)
    expected: Floats = (np.cumsum(k * powers, axis=-1) / np.cumsum(powers, axis=-1)).sum(axis=-1)
    return expected


def dispersion(mean_distance: Floats, m: int) -> Floats:
    """φ ≥ 0 with E_φ[d] = mean_distance, by bisection; ∞ for distance 0. Shapes (…).

    E_φ[d] falls from m(m − 1)/4 at φ = 0 to 0, and E_φ[d] ≤ (m − 1)/(e^φ − 1), which bounds the root. A Kemeny order
    is never further than m(m − 1)/4 from the rankings on average. NaN for NaN (no ranking) and for one condition.
    """
    mean_distance = np.asarray(mean_distance, dtype=np.float64)
    if m < 2:
        return np.full(mean_distance.shape, np.nan)
    target = np.where(mean_distance > 0, mean_distance, 1.0)
    low, high = np.zeros(target.shape), np.log1p((m - 1) / target)
    for _ in range(80):
        middle = (low + high) / 2
        too_far = expected_distance(middle, m) > target
        low, high = np.where(too_far, middle, low), np.where(too_far, high, middle)
    without_root = np.where(mean_distance == 0, np.inf, np.nan)
    phi: Floats = np.where(mean_distance > 0, (low + high) / 2, without_root)
    return phi


def log_likelihood(total_distance: float, rankings: int, phi: float, m: int) -> float:
    """Σ log P of `rankings` rankings with that sum of distances, in nats.

    log Z = Σ_{j=1}^m log((1 − e^{−jφ}) / (1 − e^{−φ})); at φ = 0 Z = m!, at φ = ∞ only the consensus has
    positive probability.
    """
    if np.isinf(phi):
        return 0.0 if total_distance == 0 else -np.inf
    # (1 − e^{−jφ})/(1 − e^{−φ}) = Σ_{k<j} e^{−kφ}
    log_z = float(np.log(np.cumsum(np.exp(-phi * np.arange(m)))).sum())
    return -phi * total_distance - rankings * log_z
