"""How unequal the inclusion probabilities of a pool are. All measures take one π per rater, shape (n,).

Measures: those by which the DemPO paper compares selection algorithms (appendix A.4), and the raters
whom the quotas leave without any chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from core.events import LotteryDiagnosed
from core.sortition.quotas.quotas import empty_categories
from core.types import Lottery


def diagnosed(lottery: Lottery, type_of: Sequence[int]) -> LotteryDiagnosed:
    """All measures of a lottery; type_of[i] is the type of pool member i."""
    exact = lottery.inclusion(type_of)
    pi = [float(p) for p in exact]
    return LotteryDiagnosed(
        lottery=lottery.name,
        raters=len(pi),
        smallest=min(pi),
        largest=max(pi),
        equal=lottery.size / len(pi),
        gini=gini(pi),
        max_min_ratio=max_min_ratio(pi),
        coefficient_of_variation=coefficient_of_variation(pi),
        without_chance=len(without_chance(pi)),
        without_chance_types=sorted({type_of[i] for i in without_chance(pi)}),
        certain=sum(p == 1 for p in exact),
        empty_categories=[f"{q.attribute}: {q.category}" for q in empty_categories(lottery.quotas)],
    )


def gini(pi: ArrayLike) -> float:
    """Σ_ij |π_i − π_j| / (2·n·Σπ): 0 where all are equal, towards 1 where one rater has everything."""
    ordered = np.sort(np.asarray(pi, dtype=np.float64))
    n, total = len(ordered), float(ordered.sum())
    if total <= 0:
        raise ValueError("the Gini coefficient needs a positive probability")
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ordered) / (n * total)


def max_min_ratio(pi: ArrayLike) -> float:
    """Largest over smallest probability; infinite where a rater has no chance."""
    values = np.asarray(pi, dtype=np.float64)
    smallest = float(values.min())
    return float("inf") if smallest == 0 else float(values.max()) / smallest


def coefficient_of_variation(pi: ArrayLike) -> float:
    """Standard deviation (of the pool as a whole, divisor n) over mean."""
    values = np.asarray(pi, dtype=np.float64)
    return float(values.std() / values.mean())


def without_chance(pi: ArrayLike) -> tuple[int, ...]:
    """Pool indices of the raters with π = 0."""
    return tuple(np.flatnonzero(np.asarray(pi, dtype=np.float64) == 0).tolist())
