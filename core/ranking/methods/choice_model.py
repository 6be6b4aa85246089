"""Luce's choice model, fitted to a whole batch of counts at once.

Item i is chosen out of the set S with probability e^{θ_i} / Σ_{j∈S} e^{θ_j}. Bradley–Terry is the case in which all
sets are pairs, Plackett–Luce the one in which the sets are what a ranking has still to place.

Where some conditions are always ranked above the others the likelihood has no maximum (abilities run
off to infinity). Such samples, and only those, are fitted with half a win each way added to every pair.
"""

from __future__ import annotations

import numpy as np

from core.ranking.counts import Floats

STEP_TOLERANCE = 1e-9
MOST_ITERATIONS = 200
HALF_WIN = 0.5


def fit_choices(sets: Floats, seen: Floats, chosen: Floats) -> Floats:
    """Maximises Σ_i chosen_i θ_i − Σ_S seen_S log Σ_{j∈S} e^{θ_j} over θ with Σθ = 0, by damped Newton steps.

    The function is concave, and strictly so where the estimate exists; each step is halved until
    the likelihood doesn't fall. Ends when no step is longer than 1e-9, where the next one is at rounding level.

    Args:
        sets: members of each set, ones and zeros, shape (S, m).
        seen: how often each set was chosen from, shape (B, S).
        chosen: how often each item was chosen, shape (B, m).

    Returns:
        Log-abilities θ, centred, shape (B, m).

    Raises:
        RuntimeError: no convergence, or no finite estimate (see `strongly_connected`).
    """
    batch, m = chosen.shape
    theta = np.zeros((batch, m))
    for _ in range(MOST_ITERATIONS):
        ability = np.exp(theta)
        sums = ability @ sets.T
        expected = ability * ((seen / sums) @ sets)
        # Σ_S seen_S [i ∈ S][j ∈ S] / sums_S², row by row so that no array of S·m² floats is needed.
        rate = seen / sums**2
        together = np.stack([(rate * sets[:, i]) @ sets for i in range(m)], axis=1)
        information = -together * ability[:, :, None] * ability[:, None, :]
        information[:, np.arange(m), np.arange(m)] += expected
        # θ is fixed up to a constant; this fills the direction (1, …, 1) at the information's own scale.
        information += (1.0 + expected.sum(axis=1) / m)[:, None, None] / m
        try:
            solution = np.linalg.solve(information, (chosen - expected)[:, :, None])
        except np.linalg.LinAlgError as error:
            raise RuntimeError("the choice model has no finite estimate for these counts") from error
        step = np.asarray(solution[:, :, 0], dtype=np.float64)
        step -= step.mean(axis=1, keepdims=True)
        theta = theta + _damped(theta, step, sets, seen, chosen)
        if np.abs(step).max(initial=0.0) <= STEP_TOLERANCE:
            return theta - theta.mean(axis=1, keepdims=True)
    raise RuntimeError(f"the choice model did not converge in {MOST_ITERATIONS} Newton steps")


def _damped(theta: Floats, step: Floats, sets: Floats, seen: Floats, chosen: Floats) -> Floats:
    """The step, halved where needed until the log-likelihood doesn't fall by more than rounding."""
    here = _log_likelihood(theta, sets, seen, chosen)
    # The likelihood is a small difference of sums of this size, and no more exact than they are.
    slack = 1e-13 * (seen.sum(axis=1) + (chosen * np.abs(theta)).sum(axis=1))
    for _ in range(60):
        worse = ~(_log_likelihood(theta + step, sets, seen, chosen) >= here - slack)
        if not worse.any():
            break
        step = np.where(worse[:, None], step / 2, step)
    return step


def _log_likelihood(theta: Floats, sets: Floats, seen: Floats, chosen: Floats) -> Floats:
    """The log-likelihood, or −∞ where abilities lie so far apart that a sum underflows. Shape (B,)."""
    top = theta.max(axis=1, keepdims=True)
    sums = np.exp(theta - top) @ sets.T
    possible = ((sums > 0) | (seen == 0)).all(axis=1)
    log_sums = np.log(np.where(sums > 0, sums, 1.0)) + top
    return np.where(possible, (chosen * theta).sum(axis=1) - (seen * log_sums).sum(axis=1), -np.inf)


def pair_sets(m: int) -> Floats:
    """The sets {i, j}, i < j, as rows of ones and zeros, shape (m(m − 1)/2, m)."""
    first, second = np.triu_indices(m, 1)
    sets = np.zeros((len(first), m))
    sets[np.arange(len(first)), first] = 1.0
    sets[np.arange(len(first)), second] = 1.0
    return sets
