"""The mixture of compositions nearest to a point, kept up to date as compositions are added.

    minimise ‖x* − Σ_p λ_p·x_p‖²   subject to  λ ≥ 0

by an active-set method (Lawson & Hanson, Solving Least Squares Problems, 1974, chapter 23) that starts
from the last solution, lets every improving composition in at once and steps back to the boundary
where a probability would turn negative. Σλ = 1 needs no row of its own: every composition and x* have
k members, so Σλ = 1 follows wherever the distance is zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.sortition.leximin.gram_factor import GramFactor

RELATIVE_GRADIENT = 1e-13
"""A composition enters when its gradient exceeds this share of ‖x*‖²."""


class NearestMixture:
    """λ and the residual x* − Σλ_p·x_p for a growing list of compositions."""

    def __init__(self, target: NDArray[np.float64]) -> None:
        self.target = target
        self.panels: list[tuple[int, ...]] = []
        self._known: set[tuple[int, ...]] = set()
        self._columns = np.empty((0, len(target)))
        self._gram = np.empty((0, 0))
        self._size = 0
        self.weight = np.empty(0)
        self.residual = target.copy()
        self._factor = GramFactor()

    def restart(self) -> None:
        """Forgets everything but compositions and weights: what follows depends on these alone, to the last bit."""
        self._factor = GramFactor()

    def __contains__(self, panel: tuple[int, ...]) -> bool:
        return panel in self._known

    def add(self, panels: Sequence[tuple[int, ...]]) -> int:
        """Takes in the compositions that are new; how many those are."""
        fresh = [p for p in dict.fromkeys(panels) if p not in self._known]
        for panel in fresh:
            self._append(np.array(panel, dtype=np.float64))
        self.panels.extend(fresh)
        self._known.update(fresh)
        return len(fresh)

    def _append(self, column: NDArray[np.float64]) -> None:
        if self._size == len(self._columns):
            room = max(64, 2 * self._size)
            columns, gram = np.zeros((room, len(self.target))), np.zeros((room, room))
            columns[: self._size], gram[: self._size, : self._size] = self._columns, self._gram
            self._columns, self._gram = columns, gram
            self.weight = np.concatenate([self.weight, np.zeros(room - len(self.weight))])
        i = self._size
        self._columns[i] = column
        products = self._columns[: i + 1] @ column
        self._gram[i, : i + 1] = products
        self._gram[: i + 1, i] = products
        self._size += 1

    @property
    def weights(self) -> NDArray[np.float64]:
        """λ, shape (number of panels,)."""
        return self.weight[: self._size]

    def solve(self) -> float:
        """Brings λ and the residual to the optimum over the present compositions; the largest |residual|."""
        size = self._size
        columns, weight = self._columns[:size], self.weight[:size]
        passive = weight > 0
        enough = RELATIVE_GRADIENT * float(self.target @ self.target)
        rejected = np.zeros(size, dtype=bool)
        while True:
            self.residual = self.target - weight @ columns
            gradient = columns @ self.residual
            entering = (gradient > enough) & ~passive & ~rejected
            if not entering.any():
                return float(np.abs(self.residual).max())
            before = float(self.residual @ self.residual)
            if not self._let_in(passive, entering):
                # Entered together they did nothing for the distance: one at a time cannot cycle.
                best = int(np.argmax(np.where(entering, gradient, -np.inf)))
                single = np.zeros(size, dtype=bool)
                single[best] = True
                if not self._let_in(passive, single):
                    rejected[best] = True
            after = self.target - weight @ columns
            if float(after @ after) < before:
                rejected[:] = False

    def _let_in(self, passive: NDArray[np.bool_], entering: NDArray[np.bool_]) -> bool:
        """Adds columns to the passive set and moves to its optimum; whether the distance fell."""
        weight = self.weight[: self._size]
        columns = self._columns[: self._size]
        saved_weight, saved_passive = weight.copy(), passive.copy()
        before = self.target - weight @ columns
        passive |= entering
        while passive.any():
            wanted = self._unconstrained(passive)
            if wanted is None:
                break
            negative = passive & (wanted <= 0)
            if not negative.any():
                weight[:] = wanted
                after = self.target - weight @ columns
                if float(after @ after) < float(before @ before):
                    return True
                break
            way = np.where(negative, weight - wanted, 1.0)
            steps = np.where(negative & (way > 0), weight / np.where(way > 0, way, 1.0), np.inf)
            steps[negative & (way <= 0)] = 0.0
            first = int(np.argmin(steps))
            weight += steps[first] * (wanted - weight)
            leaving = negative & (weight <= 1e-15)
            leaving[first] = True
            weight[leaving] = 0.0
            passive &= ~leaving
        weight[:], passive[:] = saved_weight, saved_passive
        return False

    def _unconstrained(self, passive: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        """Least squares on the passive columns, refined on the true residual; None where they are dependent.

        Shape (number of panels,), zero outside the passive set.
        """
        columns = self._columns[: self._size]
        if not self._factor.cover(self._gram, passive):
            return None
        wanted = np.zeros(self._size)
        for _ in range(3):
            wanted += self._factor.solve(columns @ (self.target - wanted @ columns))
        return wanted if np.isfinite(wanted).all() else None
