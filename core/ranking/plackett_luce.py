"""Plackett–Luce: a ranking is a series of choices, each out of what has still to be placed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.ranking.choice_model import HALF_WIN, fit_choices, pair_sets
from core.ranking.counts import Choices, Floats


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
    choices, tally = with_half_wins(choices, tally, separable)
    return fit_choices(choices.sets, by_set(choices, tally), by_item(choices, tally))


def by_set(choices: Choices, tally: Floats) -> Floats:
    """How often each set was chosen from, shape (B, S)."""
    return _sum_by(choices.set_of, len(choices.sets), tally)


def by_item(choices: Choices, tally: Floats) -> Floats:
    """How often each item was chosen, shape (B, m)."""
    return _sum_by(choices.chosen, choices.sets.shape[1], tally)


def _sum_by(group: NDArray[np.int64], groups: int, values: Floats) -> Floats:
    """Sums columns of values, shape (B, K), that belong to one group, to shape (B, groups)."""
    order = np.argsort(group, kind="stable")
    found = np.zeros((len(values), groups))
    present, starts = np.unique(group[order], return_index=True)
    found[:, present] = np.add.reduceat(values[:, order], starts, axis=1)
    return found


def with_half_wins(choices: Choices, tally: Floats, separable: NDArray[np.bool_]) -> tuple[Choices, Floats]:
    """Adds, to the samples that are separable, half a choice of each item out of every pair."""
    m = choices.sets.shape[1]
    if not separable.any() or m == 1:
        return choices, tally
    pairs = pair_sets(m)
    first, second = np.triu_indices(m, 1)
    set_of = len(choices.sets) + np.tile(np.arange(len(pairs)), 2)
    grown = Choices(
        sets=np.concatenate([choices.sets, pairs]),
        set_of=np.concatenate([choices.set_of, set_of]),
        chosen=np.concatenate([choices.chosen, first, second]),
        counts=None,
    )
    added = np.where(separable[:, None], HALF_WIN, 0.0) * np.ones((1, 2 * len(pairs)))
    return grown, np.concatenate([tally, added], axis=1)
