"""The capital of Tennessee, the textbook election (Wikipedia, "Kemeny–Young method", "Borda count").

Memphis 42 %, Nashville 26 %, Chattanooga 15 %, Knoxville 17 % of the voters; all prefer what is closer.
"""

from __future__ import annotations

import numpy as np

from core.ranking.counts import Floats, wins_by_unit

MEMPHIS, NASHVILLE, CHATTANOOGA, KNOXVILLE = range(4)
ORDERS = np.array([[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 1, 0], [3, 2, 1, 0]])
VOTES = np.array([42.0, 26.0, 15.0, 17.0])


def wins() -> Floats:
    """Pairwise wins, shape (4, 4)."""
    by_group = wins_by_unit(ORDERS, np.arange(4), 4)
    total: Floats = np.tensordot(VOTES, by_group, axes=1)
    return total
