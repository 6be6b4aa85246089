"""Copeland, twice: by votes, as the paper has it, and by majorities, as social choice has it."""

from __future__ import annotations

import numpy as np

from core.ranking.counts import Floats


def copeland(wins: Floats) -> Floats:
    """Pairwise votes won minus votes lost, Σ_j (w_ij − w_ji); higher is better. wins (…, m, m), scores (…, m).

    For complete rankings this is an affine function of Borda: n(2·borda − (m − 1)).
    """
    scores: Floats = wins.sum(axis=-1) - wins.sum(axis=-2)
    return scores


def win_rate(wins: Floats) -> Floats:
    """Share of pairwise votes won, in [0, 1]; 0.5 where there is nothing to compare with. Shape (…, m)."""
    won, lost = wins.sum(axis=-1), wins.sum(axis=-2)
    votes = won + lost
    rate: Floats = np.where(votes > 0, won / np.where(votes > 0, votes, 1.0), 0.5)
    return rate


def copeland_majority(wins: Floats) -> Floats:
    """Conditions beaten minus conditions lost to, by majority over all votes; ties count nothing.

    Higher is better, between −(m − 1) and m − 1 (Copeland 1951). wins (…, m, m), scores (…, m).
    """
    scores: Floats = np.sign(wins - wins.swapaxes(-1, -2)).sum(axis=-1)
    return scores
