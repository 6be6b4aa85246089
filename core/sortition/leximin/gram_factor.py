"""Solving with a growing and shrinking part of a Gram matrix without factoring it anew each time.

With the Cholesky factor of G over some columns P at hand, a subset P ∖ R is solved by a correction of
rank |R|: from y = G_P⁻¹·b and E = G_P⁻¹·I_R the solution is y − E·(E_R)⁻¹·y_R, which vanishes on R. New
columns are appended to the factor as a block. A factorisation costs |P|³/3 and these O(|P|²), which is
what an active set that changes by a few columns at a time needs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 24
SHARE = 0.05
"""Columns are left out by correction up to this number, or this share; then the factor is made anew."""

DEPENDENT = 1e-9
"""A column whose squared distance from the others' span is below this share of its square depends on them.
Rounding hides a dependence from the factorisation itself, which then solves for noise."""


class GramFactor:
    """The factor of G over `order`, of which the columns at `without` (positions in `order`) are left out."""

    def __init__(self) -> None:
        self.order = np.empty(0, dtype=np.int64)
        self.lower = np.empty((0, 0), order="F")
        self.without = np.empty(0, dtype=np.int64)
        self._left_out = np.empty((0, 0))

    def cover(self, gram: NDArray[np.float64], passive: NDArray[np.bool_]) -> bool:
        """Brings the factor to the columns where `passive` holds; whether they are independent."""
        fresh = passive.copy()
        fresh[self.order] = False
        entering = np.flatnonzero(fresh)
        without = np.flatnonzero(~passive[self.order])
        if len(without) > max(LEAST, SHARE * len(self.order)):
            return self._anew(gram, np.flatnonzero(passive))
        if len(entering) and not self._append(gram, entering):
            return self._anew(gram, np.flatnonzero(passive))
        if len(entering) or not np.array_equal(without, self.without):
            self.without = without
            unit = np.zeros((len(self.order), len(without)))
            unit[without, np.arange(len(without))] = 1.0
            self._left_out = self._solve_all(unit) if len(without) else unit
        return True

    def solve(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        """x with G·x = right on the covered columns and zero elsewhere; `right` has one entry for every column."""
        found = self._solve_all(right[self.order])
        if len(self.without):
            square = self._left_out[self.without]
            found -= self._left_out @ np.linalg.solve(square, found[self.without])
            found[self.without] = 0.0
        full = np.zeros(len(right))
        full[self.order] = found
        return full

    def _solve_all(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.linalg import cho_solve

        found: NDArray[np.float64] = cho_solve((self.lower, True), right, check_finite=False)
        return found

    def _anew(self, gram: NDArray[np.float64], chosen: NDArray[np.int64]) -> bool:
        self.order, self.lower = np.empty(0, dtype=np.int64), np.empty((0, 0), order="F")
        self.without, self._left_out = np.empty(0, dtype=np.int64), np.empty((0, 0))
        return self._append(gram, chosen)

    def _append(self, gram: NDArray[np.float64], entering: NDArray[np.int64]) -> bool:
        """Adds columns to the factor; False, and nothing changed, where they depend on those in it."""
        from scipy.linalg import LinAlgError, cholesky, solve_triangular

        old, new = len(self.order), len(entering)
        corner = gram[np.ix_(entering, entering)]
        across = np.empty((new, 0))
        if old:
            across = solve_triangular(self.lower, gram[np.ix_(self.order, entering)], lower=True, check_finite=False).T
            corner = corner - across @ across.T
        try:
            last = cholesky(corner, lower=True, check_finite=False)
        except LinAlgError:
            return False
        if np.any(np.diag(last) ** 2 <= DEPENDENT * gram[entering, entering]):
            return False
        lower = np.zeros((old + new, old + new), order="F")
        lower[:old, :old], lower[old:, :old], lower[old:, old:] = self.lower, across, last
        self.order, self.lower = np.concatenate([self.order, entering]), lower
        return True
