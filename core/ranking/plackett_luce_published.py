"""The Plackett–Luce variant of the published scripts, for comparison with the paper's tables.

The minorise–maximise step for the likelihood (Hunter 2004) is

    w_i ← c_i / Σ_{choices out of S ∋ i} 1 / Σ_{j∈S} w_j

with c_i the number of times i was chosen. The published script sums only over the choices *of* i, leaving out
those in which i was available and not chosen, and counts the last choice, out of one. What it converges to is
not the maximum-likelihood estimate, and it need not be finite: a condition that is last too often loses weight
at every step for ever. (Against k equal others: last in more than (1 + 1/2 + … + 1/k)/k of the rankings.)

The map f is monotone and homogeneous, so its limit is the direction with f(w) = λw. The published
iteration is the explicit Euler method of step 1 for the flow (log w)' = log f(w) − log w − log λ; implicit Euler steps,
which may grow as the flow slows down, reach the same limit in tens of steps instead of thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ranking.counts import Choices, Floats, Ints
from core.ranking.plackett_luce import by_item

TOLERANCE = 1e-9
FARTHEST = 3.0
"""Largest change of a log-weight in one step."""
LONGEST_TIME = 1e12
MOST_ITERATIONS = 10_000
VANISHED = 1e-9
"""A weight below this share of the largest that doesn't grow is taken for one that goes to 0."""


def plackett_luce_published(choices: Choices, tally: Floats) -> Floats:
    """The limit of w_i ← c_i / Σ_{choices of i} 1 / Σ_{j∈S} w_j, as logarithms; higher is better.

    Args:
        choices: the choices that occur.
        tally: how often each occurs in every sample, shape (B, K).

    Returns:
        Logarithms of the weights, shape (B, m): −∞ where a weight goes to 0 beside the others; the finite ones
        of a sample sum to 0.

    Raises:
        RuntimeError: no convergence.
    """
    cells = [np.flatnonzero(choices.chosen == i) for i in range(choices.sets.shape[1])]
    times = by_item(choices, tally)
    theta = np.zeros(times.shape)
    vanished = np.zeros(times.shape, dtype=bool)
    time = np.ones(len(tally))
    rows: Ints = np.arange(len(tally))
    for _ in range(MOST_ITERATIONS):
        step = _euler_step(choices, cells, tally[rows], times[rows], theta[rows], time[rows])
        farthest = np.abs(step.change).max(axis=1)
        # Rounding moves light weights more: their own equations are nearly singular.
        exact = np.abs(step.change) <= TOLERANCE * (1 + 1e-6 / np.exp(theta[rows]))
        settled = exact.all(axis=1) & (time[rows] == LONGEST_TIME)
        accepted = (farthest <= FARTHEST) | (time[rows] <= 1.0)
        theta[rows] += np.where(accepted[:, None], np.clip(step.change, -FARTHEST, FARTHEST), 0.0)
        theta[rows] -= theta[rows].max(axis=1, keepdims=True)
        time[rows] = np.minimum(time[rows] * np.where(accepted, 8.0, 0.25), LONGEST_TIME)
        vanished[rows[settled]] = step.gone[settled]
        rows = rows[~settled]
        if not len(rows):
            return _centred(theta, vanished)
    raise RuntimeError(f"the published Plackett–Luce variant did not converge in {MOST_ITERATIONS} steps")


@dataclass(frozen=True)
class _Step:
    """The change of log w, and which conditions have vanished (and are held still). Shapes (B, m)."""

    change: Floats
    gone: NDArray[np.bool_]


def _euler_step(
    choices: Choices, cells: list[Ints], tally: Floats, times: Floats, theta: Floats, time: Floats
) -> _Step:
    """Solves (I/t + I − P) Δ + log λ = log f(w) − log w with Δ = 0 for the heaviest condition.

    P_ij = ∂ log f_i / ∂ log w_j is a stochastic matrix; for t → ∞ this is Newton's step.

    A condition is gone if it is light and f lets it grow no faster than the heaviest one. If all light
    conditions shrink at some w, they keep shrinking: max f_i(w)/w_i bounds the rate at which they can grow among
    themselves (Collatz and Wielandt). Those that are gone too early start to grow, and move again.
    """
    batch, m = theta.shape
    weight = np.exp(theta)
    inverse = (1.0 / (weight @ choices.sets.T))[:, choices.set_of]
    once, twice = tally * inverse, tally * inverse**2
    denominator = np.stack([once[:, cell].sum(axis=1) for cell in cells], axis=1)
    slope = np.stack([twice[:, cell] @ choices.sets[choices.set_of[cell]] for cell in cells], axis=1)
    slope *= weight[:, None, :] / denominator[:, :, None]
    growth = np.log(times) - np.log(denominator) - theta
    top = theta.argmax(axis=1)
    heaviest = np.arange(batch), top
    gone = (theta < np.log(VANISHED)) & (growth <= growth[heaviest][:, None] + 1e-12)
    system = np.zeros((batch, m + 1, m + 1))
    system[:, :m, :m] = (1.0 + 1.0 / time)[:, None, None] * np.eye(m) - slope
    system[:, :m, m] = 1.0
    system[:, :m][gone] = 0.0
    system[:, np.arange(m), np.arange(m)] += gone
    system[np.arange(batch), m, top] = 1.0
    right = np.concatenate([np.where(gone, 0.0, growth), np.zeros((batch, 1))], axis=1)
    change = np.linalg.solve(system, right[:, :, None])[:, :m, 0]
    return _Step(change, gone)


def _centred(theta: Floats, vanished: NDArray[np.bool_]) -> Floats:
    finite = np.where(vanished, 0.0, theta)
    mean = finite.sum(axis=1, keepdims=True) / (~vanished).sum(axis=1, keepdims=True)
    return np.where(vanished, -np.inf, theta - mean)
