"""Bradley–Terry: i is preferred to j with probability 1 / (1 + e^{θ_j − θ_i})."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Floats, strongly_connected
from core.ranking.methods.choice_model import HALF_WIN, fit_choices, pair_sets


def bradley_terry(wins: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Maximum-likelihood log-abilities of each win matrix; higher is better.

    Args:
        wins: how often i was preferred to j, votes or majorities, shape (B, m, m).

    Returns:
        Log-abilities θ with Σθ = 0, shape (B, m), and whether the estimate doesn't exist, so that half a win
        each way was added to every pair, shape (B,).
    """
    m = wins.shape[-1]
    separable = ~strongly_connected(wins)
    counted = wins + np.where(separable[:, None, None], HALF_WIN * (1 - np.eye(m)), 0.0)
    first, second = np.triu_indices(m, 1)
    seen = counted[:, first, second] + counted[:, second, first]
    return fit_choices(pair_sets(m), seen, counted.sum(axis=2)), separable
