"""Plackett–Luce: a ranking is a series of choices, each out of what has still to be placed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Choices, Floats
from core.ranking.methods.resampled_choices import fit_resamples, unit_choices


def plackett_luce(
    choices: Choices,
    weights: NDArray[Any],
    separable: NDArray[np.bool_],
    progress: Callable[[int], None] = lambda done: None,
) -> Floats:
    """Maximum-likelihood log-abilities of samples; higher is better.

    Args:
        choices: the choices that occur, by unit.
        weights: how often each sample counts each unit, shape (B, U).
        separable: samples without an estimate (see `strongly_connected`); half a win each way is
            added to every pair there. Shape (B,).
        progress: called with how many samples are done.

    Returns:
        Log-abilities θ with Σθ = 0, shape (B, m).
    """
    units, found = unit_choices(choices), np.empty((len(weights), choices.sets.shape[1]))
    done = 0
    for without in (False, True):
        (samples,) = np.nonzero(separable == without)
        if not len(samples):
            continue
        own = weights[samples]
        if without:
            units, own = units.with_half_wins(), np.column_stack([own, np.ones(len(own), dtype=own.dtype)])
        for rows, theta in fit_resamples(units, own):
            found[samples[rows]] = theta
            done += len(theta)
            progress(done)
    return found
