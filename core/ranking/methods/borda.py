"""Borda: the mean number of conditions that a ranking puts below."""

from __future__ import annotations

from core.ranking.counts import Floats


def borda(wins: Floats) -> Floats:
    """Mean of m − 1 − position (from 0) over the rankings; higher is better, at most m − 1.

    Args:
        wins: w_ij, shape (…, m, m); w_ij + w_ji is the number of rankings, the same for every pair.

    Returns:
        Scores of shape (…, m). They sum to m(m − 1)/2.
    """
    m = wins.shape[-1]
    if m == 1:
        return wins.sum(axis=-1)
    rankings = (wins[..., 0, 1] + wins[..., 1, 0])[..., None]
    scores: Floats = wins.sum(axis=-1) / rankings
    return scores
