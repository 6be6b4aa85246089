"""How many pairs the weights of raters are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence


def effective_pairs(weights: Sequence[float], counts: Sequence[int]) -> float:
    """(Σω)² / Σω² over pairs, the effective sample size; zero without weights.

    Σω = Σ_r w_r and Σω² = Σ_r w_r² / N_r, since rater r brings N_r pairs of ω = w_r / N_r each.

    Args:
        weights, counts: w_r and N_r of every rater; those without a weight count for nothing.
    """
    kept = [(w, n) for w, n in zip(weights, counts, strict=True) if w > 0]
    if not kept:
        return 0.0
    return math.fsum(w for w, _ in kept) ** 2 / math.fsum(w * w / n for w, n in kept)


def effective_number(weights: Sequence[float]) -> float:
    """(Σω)² / Σω² of the pairs of an optimizer step: how many of equal weight they are worth; zero without weights."""
    squares = math.fsum(w * w for w in weights)
    return math.fsum(weights) ** 2 / squares if squares else 0.0
