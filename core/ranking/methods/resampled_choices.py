"""Luce's choice model fitted to bootstrap resamples, with most of the work done once for all of them.

Gradient and information of a resample are sums over the units it drew. At one θ, the estimate of the data as given, a
matrix product gives them for every resample, and so each one's first Newton step. Resamples lie as near to the data as
samples do, so the same information serves for the steps that follow: these need new gradients alone, and each is
shorter than the last by a factor. Where it is not, the resample is fitted by Newton's method from where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array

from core.ranking.counts import Choices, Floats, Ints
from core.ranking.methods.choice_model import HALF_WIN, damped, fit_choices, newton_steps, pair_sets

SHORT_STEP = 1e-11
"""A step is at most `SHRINKS` of the one before, so what is left after this one is at the level of rounding."""

SHRINKS = 0.2

FAR = 0.5
"""After a first step that is longer, the information is another one."""

ROWS_AT_ONCE, SETS_AT_ONCE = 256, 2048
"""Resamples and sets of which sums are made at once: some megabytes, which stay near the processor."""

SETS_KEPT = 16_384
"""Of so many sets at most it is held how often each resample chooses from them; of more it is counted at every step."""


@dataclass(frozen=True)
class UnitChoices:
    """What rankings choose from and choose, by U units that are resampled.

    sets has shape (S, m), ones for members; seen (S, U), sparse, is how often a set was chosen from; chosen (U, m) how
    often each item was chosen.
    """

    sets: Floats
    seen: Any
    chosen: Floats

    def with_half_wins(self) -> UnitChoices:
        """One unit more: half a win each way for every pair."""
        m = self.sets.shape[1]
        pairs = pair_sets(m)
        return UnitChoices(
            sets=np.concatenate([self.sets, pairs]),
            seen=csr_array(block_diag((self.seen, np.full((len(pairs), 1), 2 * HALF_WIN)))),
            chosen=np.concatenate([self.chosen, np.full((1, m), HALF_WIN * (m - 1))]),
        )


def unit_choices(choices: Choices) -> UnitChoices:
    """The choices by their units."""
    sets, m, cells = choices.sets, choices.sets.shape[1], len(choices.chosen)
    ones, cell = np.ones(cells), np.arange(cells)
    of_set = csr_array((ones, (choices.set_of, cell)), shape=(len(sets), cells))
    of_item = csr_array((ones, (cell, choices.chosen)), shape=(cells, m))
    return UnitChoices(sets, csr_array(of_set @ choices.counts.T), (choices.counts @ of_item).toarray())


def fit_resamples(units: UnitChoices, weights: NDArray[Any]) -> Iterator[tuple[slice, Floats]]:
    """Maximum-likelihood log-abilities of samples that count each unit so often, weights (B, U).

    Yields:
        Rows of weights, a batch at a time, with their centred log-abilities θ, shape (rows, m).

    Raises:
        RuntimeError: a sample has no finite estimate, or no convergence.
    """
    start = _of_all(units)
    information = _information_by_unit(units, start)
    slope = units.chosen - _expected_by_unit(units, start)
    for at in range(0, len(weights), ROWS_AT_ONCE):
        rows = slice(at, min(at + ROWS_AT_ONCE, len(weights)))
        samples = _Samples(units, weights[rows].astype(np.float64))
        yield rows, _fit(samples, start, samples.weights @ slope, samples.weights @ information)


class _Samples:
    """Some samples of the units, by the weights of these, (B, U)."""

    def __init__(self, units: UnitChoices, weights: Floats) -> None:
        self.weights = weights
        self.chosen: Floats = weights @ units.chosen
        self._units = units
        self._kept = self._seen(slice(None), slice(None)) if len(units.sets) <= SETS_KEPT else None

    def _seen(self, sets: slice, rows: Ints | slice) -> Floats:
        """How often some samples choose from some of the sets. Shape (sets, rows)."""
        found: Floats = self._units.seen[sets] @ np.ascontiguousarray(self.weights[rows].T)
        return found

    def expected(self, rows: Ints | slice, theta: Floats) -> Floats:
        """How often some samples are expected to choose each item, by their log-abilities, both (rows, m)."""
        ability = np.exp(theta).T
        found = np.zeros(ability.shape)
        rows = slice(None) if len(theta) == len(self.weights) else rows  # a view instead of a copy
        for at in range(0, len(self._units.sets), SETS_AT_ONCE):
            some = slice(at, at + SETS_AT_ONCE)
            sets = self._units.sets[some]
            seen = self._seen(some, rows) if self._kept is None else self._kept[some][:, rows]
            found += sets.T @ (seen / (sets @ ability))
        expected: Floats = (found * ability).T
        return expected

    def fitted_from(self, rows: Ints, theta: Floats) -> Floats:
        """Log-abilities by Newton's method alone, from those given. Both of shape (rows, m)."""
        return fit_choices(self._units.sets, self._seen(slice(None), rows).T, self.chosen[rows], theta)


def _fit(samples: _Samples, start: Floats, slope: Floats, information: Floats) -> Floats:
    """Log-abilities of each sample, from its slope (B, m) and its information (B, m²) at `start`."""
    m = len(start)
    information = information.reshape(-1, m, m)
    step = damped(newton_steps(information, slope))
    theta, length = start + step, np.ptp(step, axis=1)
    slow: Ints = np.flatnonzero(length > FAR)
    going: Ints = np.flatnonzero((length <= FAR) & (length > SHORT_STEP))
    while len(going):
        slope = samples.chosen[going] - samples.expected(going, theta[going])
        step = damped(newton_steps(information[going], slope))
        theta[going] += step
        before, length[going] = length[going], np.ptp(step, axis=1)
        unfinished = length[going] > SHORT_STEP
        shrinks = length[going] <= SHRINKS * before
        slow = np.concatenate([slow, going[unfinished & ~shrinks]])
        going = going[unfinished & shrinks]
    if len(slow):
        theta[slow] = samples.fitted_from(slow, theta[slow])
    centred: Floats = theta - theta.mean(axis=1, keepdims=True)
    return centred


def _of_all(units: UnitChoices) -> Floats:
    """The estimate of the data as given, every unit once. Shape (m,)."""
    seen, chosen = units.seen.sum(axis=1), units.chosen.sum(axis=0)
    return fit_choices(units.sets, seen[None], chosen[None])[0]


def _shares(units: UnitChoices, theta: Floats) -> Floats:
    """With what probability each item is chosen out of each set, shape (S, m)."""
    ability = units.sets * np.exp(theta)
    return ability / ability.sum(axis=1, keepdims=True)


def _expected_by_unit(units: UnitChoices, theta: Floats) -> Floats:
    """How often each item is expected to be chosen in each unit, shape (U, m)."""
    found: Floats = units.seen.T @ _shares(units, theta)
    return found


def _information_by_unit(units: UnitChoices, theta: Floats) -> Floats:
    """The negative second derivatives of each unit's log-likelihood, shape (U, m²)."""
    m, shares, by_unit = len(theta), _shares(units, theta), units.seen.T
    found = np.empty((by_unit.shape[0], m, m))
    for i in range(m):
        found[:, i] = -(by_unit @ (shares * shares[:, i : i + 1]))
    found[:, np.arange(m), np.arange(m)] += by_unit @ shares
    return found.reshape(-1, m * m)
