"""The Plackett–Luce variant of the published scripts, for comparison with the paper's tables.

The minorise–maximise step for the likelihood (Hunter 2004) is

    w_i ← c_i / Σ_{choices out of S ∋ i} 1 / Σ_{j∈S} w_j

with c_i the number of times i was chosen. The published script sums only over the choices *of* i, leaving out
those in which i was available and not chosen, and counts the last choice, out of one. What it converges to is
not the maximum-likelihood estimate, and it need not be finite: a condition that is last too often loses weight
at every step for ever. (Against k equal others: last in more than (1 + 1/2 + … + 1/k)/k of the rankings.)
"""

from __future__ import annotations

from dataclasses import dataclass

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
FEW = 7
"""Conditions of which every resample is iterated from equal weights."""
SHRINKS_BY = 0.8
"""By so much a step at least: from equal weights the iteration settles far below 2,000 steps then, and stops within
4e-10 of the fixed point."""
FAR, SHORT_STEP = 0.5, 1e-12
"""Of a step from the fixed point of the data: a longer one leads too far away, a shorter one is rounding."""
CELLS_AT_ONCE = 100_000
"""Counts that are iterated over at once: they stay near the processor, which reads them at every step."""


@dataclass(frozen=True)
class FixedPoint:
    """Where the iteration settles for the data as given, and from where it is found for resamples in a few steps.

    theta are the log-weights, (m,). With J the derivatives of log f there, (I − J)Δ = log f(θ) − θ gives the way to the
    fixed point, but for a constant; `way` is the inverse of I − J with that direction filled, (m, m).
    """

    theta: Floats
    way: Floats


def fixed_point(choices: Choices, tally: Floats) -> FixedPoint | None:
    """The fixed point of the data, tally (1, K).

    None of a few conditions, whose iteration is quick, and where it need not settle in every resample: where a weight
    vanishes, or steps shrink slowly. Rows of J sum to one, and its second eigenvalue is how steps shrink.
    """
    sets, m = choices.sets, choices.sets.shape[1]
    if m <= FEW:
        return None
    scores, settled = plackett_luce_published(choices, tally)
    if not settled[0] or np.isinf(scores[0]).any():
        return None
    weight = np.exp(scores[0])
    inverse = 1.0 / (sets @ weight)
    count = np.zeros((m, len(sets)))
    count[choices.chosen, choices.set_of] = tally[0]
    derivatives = (count * inverse**2) @ sets * weight / (count @ inverse)[:, None]
    if np.sort(np.abs(np.linalg.eigvals(derivatives)))[-2] > SHRINKS_BY:
        return None
    return FixedPoint(scores[0], np.linalg.inv(np.eye(m) - derivatives + 1.0 / m))


def plackett_luce_published(
    choices: Choices, tally: Floats, near: FixedPoint | None = None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Iterates w_i ← c_i / Σ_{choices of i} 1 / Σ_{j∈S} w_j; higher is better.

    The weights of vanished conditions don't move the others, and if all of them shrink they keep shrinking: the
    map f is monotone and homogeneous, so max f_i(w)/w_i bounds the rate at which they can grow among
    themselves (Collatz and Wielandt). Hence nothing is waited for beyond that point.

    Args:
        choices: the choices that occur.
        tally: how often each occurs in every sample, shape (B, K).
        near: of the data that the samples are resamples of. What settles near it is found in fewer steps.

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
        theta[rows], vanished[rows], settled[rows] = _iterated(members, count, near)
    return _centred(theta, vanished), settled


def _iterated(
    members: Floats, count: Floats, near: FixedPoint | None
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Log-weights relative to the largest and which of them vanish, both (B, m), and what settled (B,).

    Args:
        members: of each set, ones and zeros, shape (m, S).
        count: shape (B, m, S).
    """
    weight = np.ones(count.shape[:2])
    vanished = np.zeros(weight.shape, dtype=bool)
    rows: Ints = np.arange(len(weight))
    if near is not None:
        weight, found = _near(members, count, near)
        weight[~found] = 1.0
        rows, count = rows[~found], count[~found]
    for _ in range(MOST_ROUNDS if len(rows) else 0):
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


def _near(members: Floats, count: Floats, near: FixedPoint) -> tuple[Floats, NDArray[np.bool_]]:
    """Weights (B, m), the largest 1, and which of them are fixed points: steps to these shrink by half at least."""
    times = np.log(count.sum(axis=2))
    theta = np.tile(near.theta, (len(count), 1))
    length = np.full(len(count), np.inf)
    found, lost = np.zeros(len(count), dtype=bool), np.zeros(len(count), dtype=bool)
    while not (found | lost).all():
        inverse = np.exp(theta) @ members
        np.divide(1.0, inverse, out=inverse)
        missing = times - np.log((count @ inverse[:, :, None])[:, :, 0]) - theta
        step = missing @ near.way.T
        step -= step.mean(axis=1, keepdims=True)
        before, length = length, np.ptp(step, axis=1)
        lost |= ~found & ~((length <= before / 2) & (length <= FAR))
        theta += np.where((found | lost)[:, None], 0.0, step)
        found |= ~lost & (length <= SHORT_STEP)
    return np.exp(theta - theta.max(axis=1, keepdims=True)), found


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
