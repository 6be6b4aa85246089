"""The Plackett–Luce variant of the published scripts, for comparison with the paper's tables.

The minorise–maximise step for the likelihood (Hunter 2004) is

    w_i ← c_i / Σ_{choices out of S ∋ i} 1 / Σ_{j∈S} w_j

with c_i the number of times i was chosen. The published script sums only over the choices *of* i, leaving out
those in which i was available and not chosen, and counts the last choice, out of one. What it converges to is
not the maximum-likelihood estimate, and it need not be finite: a condition that is last too often loses weight
at every step for ever. (Against k equal others: last in more than (1 + 1/2 + … + 1/k)/k of the rankings.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Choices, Floats, Ints

TOLERANCE = 1e-10
STEPS_PER_ROUND = 25
MOST_ROUNDS = 80
"""The iteration ends after 2,000 steps; it converges in about 100 where no condition is near its bound."""
VANISHED = 1e-9
"""A weight below this share of the largest that still shrinks is taken for one that goes to 0."""
LOWEST = np.exp(-60.0)
"""Weights relative to the largest stop here: far below what others can feel, far above underflow."""
CELLS_AT_ONCE = 100_000
"""Counts that are iterated over at once: they stay near the processor, which reads them at every step."""


def plackett_luce_published(choices: Choices, tally: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Iterates w_i ← c_i / Σ_{choices of i} 1 / Σ_{j∈S} w_j; higher is better.

    The weights of vanished conditions don't move the others, and if all of them shrink they keep shrinking: the
    map f is monotone and homogeneous, so max f_i(w)/w_i bounds the rate at which they can grow among
    themselves (Collatz and Wielandt). Hence nothing is waited for beyond that point.

    Args:
        choices: the choices that occur.
        tally: how often each occurs in every sample, shape (B, K).

    Returns:
        Logarithms of the weights, shape (B, m): −∞ where a weight goes to 0 beside the others; the finite ones
        of a sample sum to 0. And whether a sample settled within 2,000 steps, shape (B,).
    """
    m = choices.sets.shape[1]
    members = np.ascontiguousarray(choices.sets.T)
    theta, vanished = np.empty((len(tally), m)), np.empty((len(tally), m), dtype=bool)
    settled = np.empty(len(tally), dtype=bool)
    at_once = max(1, CELLS_AT_ONCE // members.size)
    for at in range(0, len(tally), at_once):
        rows = slice(at, at + at_once)
        # count[b, i, S]: how often i was chosen out of S.
        count = np.zeros((len(tally[rows]), *members.shape))
        count[:, choices.chosen, choices.set_of] = tally[rows]
        theta[rows], vanished[rows], settled[rows] = _iterated(members, count)
    return _centred(theta, vanished), settled


def _iterated(members: Floats, count: Floats) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Log-weights relative to the largest and which of them vanish, both (B, m), and what settled (B,).

    Args:
        members: of each set, ones and zeros, shape (m, S).
        count: shape (B, m, S).
    """
    weight = np.ones(count.shape[:2])
    vanished = np.zeros(weight.shape, dtype=bool)
    rows: Ints = np.arange(len(weight))
    for _ in range(MOST_ROUNDS):
        weight[rows], change = _round(members, count, weight[rows])
        gone = (weight[rows] < VANISHED) & (change <= TOLERANCE)
        done = (gone | (np.abs(change) <= TOLERANCE)).all(axis=1)
        vanished[rows] = gone
        if done.any():
            rows, count = rows[~done], count[~done]
        if not len(rows):
            break
    settled = np.ones(len(weight), dtype=bool)
    settled[rows] = False
    return np.log(weight), vanished, settled


def _round(members: Floats, count: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Some steps from weights (B, m): where they lead, the largest 1, and the last change of their logarithms."""
    times = count.sum(axis=2)
    now = before = weight
    for _ in range(STEPS_PER_ROUND):
        before = now
        inverse = before @ members
        np.divide(1.0, inverse, out=inverse)
        now = times / (count @ inverse[:, :, None])[:, :, 0]
    now, before = (some / some.max(axis=1, keepdims=True) for some in (now, before))
    return np.maximum(now, LOWEST), np.log(now / before)


def _centred(theta: Floats, vanished: NDArray[np.bool_]) -> Floats:
    finite = np.where(vanished, 0.0, theta)
    mean = finite.sum(axis=1, keepdims=True) / (~vanished).sum(axis=1, keepdims=True)
    return np.where(vanished, -np.inf, theta - mean)
