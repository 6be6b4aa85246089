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


def fit_choices(sets: Floats, seen: Floats, chosen: Floats, start: Floats | None = None) -> Floats:
    """Maximises Σ_i chosen_i θ_i − Σ_S seen_S log Σ_{j∈S} e^{θ_j} over θ with Σθ = 0, by damped Newton steps.

    The function is concave, and strictly so where the estimate exists. Ends when no step is longer than 1e-9, where the
    next one is at rounding level.

    Args:
        sets: members of each set, ones and zeros, shape (S, m).
        seen: how often each set was chosen from, shape (B, S).
        chosen: how often each item was chosen, shape (B, m).
        start: where to begin, shape (B, m); at equal abilities where left out.

    Returns:
        Log-abilities θ, centred, shape (B, m).

    Raises:
        RuntimeError: no convergence, or no finite estimate (see `strongly_connected`).
    """
    batch, m = chosen.shape
    theta = np.zeros((batch, m)) if start is None else start
    for _ in range(MOST_ITERATIONS):
        ability = np.exp(theta)
        sums = ability @ sets.T
        expected = ability * ((seen / sums) @ sets)
        # Σ_S seen_S [i ∈ S][j ∈ S] / sums_S², row by row so that no array of S·m² floats is needed.
        rate = seen / sums**2
        together = np.stack([(rate * sets[:, i]) @ sets for i in range(m)], axis=1)
        information = -together * ability[:, :, None] * ability[:, None, :]
        information[:, np.arange(m), np.arange(m)] += expected
        step = damped(newton_steps(information, chosen - expected))
        theta = theta + step
        if np.ptp(step, axis=1).max(initial=0.0) <= STEP_TOLERANCE:
            return theta - theta.mean(axis=1, keepdims=True)
    raise RuntimeError(f"the choice model did not converge in {MOST_ITERATIONS} Newton steps")


def newton_steps(information: Floats, slope: Floats) -> Floats:
    """The centred solutions of information · step = slope, which θ moves by. information (B, m, m), slope (B, m).

    Raises:
        RuntimeError: there is none.
    """
    m = slope.shape[1]
    # θ is fixed up to a constant; this fills the direction (1, …, 1) at the information's own scale.
    scale = 1.0 + np.trace(information, axis1=1, axis2=2) / m
    try:
        solution = np.linalg.solve(information + scale[:, None, None] / m, slope[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError as error:
        raise RuntimeError("the choice model has no finite estimate for these counts") from error
    steps: Floats = solution - solution.mean(axis=1, keepdims=True)
    return steps


def damped(steps: Floats) -> Floats:
    """A step whose entries differ by r, scaled by log(1 + r)/r: with it the likelihood rises from everywhere.

    Third derivatives of log Σ e^θ along a step are at most r times the second ones (Sun and Tran-Dinh 2019).
    """
    length = np.ptp(steps, axis=1)
    scale = np.divide(np.log1p(length), length, out=np.ones(len(length)), where=length > 0)
    scaled: Floats = steps * scale[:, None]
    return scaled


def pair_sets(m: int) -> Floats:
    """The sets {i, j}, i < j, as rows of ones and zeros, shape (m(m − 1)/2, m)."""
    first, second = np.triu_indices(m, 1)
    sets = np.zeros((len(first), m))
    sets[np.arange(len(first)), first] = 1.0
    sets[np.arange(len(first)), second] = 1.0
    return sets
