"""The set of feasible compositions: how many raters of each type a panel may have.

    X = { x ∈ ℤ^T : 0 ≤ x_t ≤ n_t,  Σ_t x_t = k,  lower_q ≤ Σ_{t ∈ q} x_t ≤ upper_q for every quota q }

Raters of one type are interchangeable, so panels are counted by type; T is far below the number of
panels and, more to the point, LEXIMIN gives raters of one type the same probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.events import QuotaRow
from core.types import Pool


@dataclass(frozen=True)
class QuotaConstraint:
    """One quota as a constraint: between `lower` and `upper` members from the types in `types`."""

    attribute: str
    category: str
    lower: int
    upper: int
    types: tuple[int, ...]

    @property
    def name(self) -> str:
        """'attribute: category', as duals are recorded."""
        return f"{self.attribute}: {self.category}"


@dataclass(frozen=True)
class PanelProblem:
    """X: panel size k, type sizes n_t, and the quotas that can bind."""

    size: int
    type_sizes: tuple[int, ...]
    rows: tuple[QuotaConstraint, ...]

    @property
    def types(self) -> int:
        """T, the number of types."""
        return len(self.type_sizes)

    @property
    def n(self) -> NDArray[np.float64]:
        """n_t as floats, shape (T,)."""
        return np.array(self.type_sizes, dtype=np.float64)

    @property
    def member(self) -> NDArray[np.float64]:
        """1 where a type counts for a row, else 0, shape (R, T)."""
        found = np.zeros((len(self.rows), self.types))
        for r, row in enumerate(self.rows):
            found[r, list(row.types)] = 1
        return found

    def in_pool(self, row: int) -> int:
        """Raters who count for a row."""
        return sum(self.type_sizes[t] for t in self.rows[row].types)

    def violation(self, panel: Sequence[int]) -> str | None:
        """Why a vector of integers is no feasible composition, or None. Integers only, no tolerance."""
        if len(panel) != self.types:
            return f"it has {len(panel)} types instead of {self.types}"
        if sum(panel) != self.size:
            return f"it has {sum(panel)} members instead of {self.size}"
        for t, (x, n) in enumerate(zip(panel, self.type_sizes, strict=True)):
            if not 0 <= x <= n:
                return f"it takes {x} of the {n} raters of type {t}"
        for row in self.rows:
            members = sum(panel[t] for t in row.types)
            if not row.lower <= members <= row.upper:
                return f"it has {members} members of {row.name} instead of {row.lower} to {row.upper}"
        return None


def problem_for(pool: Pool, quotas: Sequence[QuotaRow], size: int) -> PanelProblem:
    """X of a pool under quotas. Slack categories and those that can't bind make no row.

    A row without types is a quota that nobody can meet; `conflicts.require_panel` names it.
    """
    place = {name: a for a, name in enumerate(pool.attributes)}
    rows = []
    for quota in quotas:
        a = place[quota.attribute]
        types = tuple(t for t, categories in enumerate(pool.types) if categories[a] == quota.category)
        most = min(size, quota.in_pool)
        if quota.lower > 0 or quota.upper < most:
            rows.append(QuotaConstraint(quota.attribute, quota.category, quota.lower, quota.upper, types))
    return PanelProblem(size, pool.type_sizes(), tuple(rows))
