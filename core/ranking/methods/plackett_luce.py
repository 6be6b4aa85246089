"""Plackett–Luce: a ranking is a series of choices, each out of what has still to be placed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Choices, Floats
from core.ranking.methods.choice_model import HALF_WIN, fit_choices, pair_sets


def plackett_luce(choices: Choices, tally: Floats, separable: NDArray[np.bool_]) -> Floats:
    """Maximum-likelihood log-abilities; higher is better.

    Args:
        choices: the choices that occur.
        tally: how often each occurs in every sample, shape (B, K).
        separable: samples without an estimate (see `strongly_connected`); half a win each way is
            added to every pair there. Shape (B,).

    Returns:
        Log-abilities θ with Σθ = 0, shape (B, m).
    """
    m = choices.sets.shape[1]
    sets = choices.sets
    seen = _sum_by(choices.set_of, len(sets), tally)
    chosen = _sum_by(choices.chosen, m, tally)
    if separable.any():
        pairs = pair_sets(m)
        added = 2 * HALF_WIN * separable[:, None] * np.ones((1, len(pairs)))
        sets, seen = np.concatenate([sets, pairs]), np.concatenate([seen, added], axis=1)
        chosen = chosen + HALF_WIN * (m - 1) * separable[:, None]
    return fit_choices(sets, seen, chosen)


def _sum_by(group: NDArray[np.int64], groups: int, values: Floats) -> Floats:
    """Sums columns of values, shape (B, K), that belong to one group, to shape (B, groups)."""
    order = np.argsort(group, kind="stable")
    found = np.zeros((len(values), groups))
    present, starts = np.unique(group[order], return_index=True)
    found[:, present] = np.add.reduceat(values[:, order], starts, axis=1)
    return found
