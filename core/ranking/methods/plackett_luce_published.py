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
LOWEST = -60.0
"""Log-weights relative to the largest stop here: far below what others can feel, far above underflow."""


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
    sets, m = choices.sets, choices.sets.shape[1]
    # count[b, S, i]: how often i was chosen out of S.
    count = np.zeros((len(tally), len(sets), m))
    count[:, choices.set_of, choices.chosen] = tally
    theta = np.zeros((len(tally), m))
    vanished = np.zeros((len(tally), m), dtype=bool)
    rows: Ints = np.arange(len(tally))
    for _ in range(MOST_ROUNDS):
        now, change = _round(sets, count, theta[rows])
        gone = (now < np.log(VANISHED)) & (change <= TOLERANCE)
        settled = (gone | (np.abs(change) <= TOLERANCE)).all(axis=1)
        theta[rows], vanished[rows] = now, gone
        if settled.any():
            rows, count = rows[~settled], count[~settled]
        if not len(rows):
            break
    converged = np.ones(len(tally), dtype=bool)
    converged[rows] = False
    return _centred(theta, vanished), converged


def _round(sets: Floats, count: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Some steps from log-weights theta, (B, m): where they lead, and the last change, relative to the largest."""
    log_times = np.log(count.sum(axis=1))
    before = theta
    for _ in range(STEPS_PER_ROUND):
        before = theta
        inverse = 1.0 / (np.exp(theta) @ sets.T)
        theta = log_times - np.log((inverse[:, None, :] @ count)[:, 0])
        theta = np.maximum(theta - theta.max(axis=1, keepdims=True), LOWEST)
    return theta, theta - before


def _centred(theta: Floats, vanished: NDArray[np.bool_]) -> Floats:
    finite = np.where(vanished, 0.0, theta)
    mean = finite.sum(axis=1, keepdims=True) / (~vanished).sum(axis=1, keepdims=True)
    return np.where(vanished, -np.inf, theta - mean)
