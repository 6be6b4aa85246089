"""Schulze: who beats whom by the strongest chain of majorities (Schulze, Social Choice and Welfare 36, 2011)."""

from __future__ import annotations

import numpy as np

from core.ranking.counts import Floats


def schulze(wins: Floats) -> Floats:
    """Conditions beaten minus conditions lost to; higher is better. wins (…, m, m), scores (…, m).

    A chain of majorities is as strong as its weakest link, by winning votes: a link from i to j counts w_ij where
    w_ij > w_ji, and nothing else. i beats j where its strongest chain to j is stronger than the one back. Where each
    condition of a cycle beats the next, `copeland_majority` often ties; the strongest chains order most of them.
    """
    chain = np.where(wins > wins.swapaxes(-1, -2), wins, 0.0)
    for via in range(wins.shape[-1]):
        chain = np.maximum(chain, np.minimum(chain[..., :, via, None], chain[..., None, via, :]))
    scores: Floats = np.sign(chain - chain.swapaxes(-1, -2)).sum(axis=-1)
    return scores
