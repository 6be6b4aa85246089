"""What raters with high and low π are due of a Soft condition's weight, and what its steps give them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.events import ConditionPlanned, DecileShare, WeightsRealised
from core.facts.training.shares import deciles_by, realised_shares, shares_of, weights_in_loss


def weights_realised(
    planned: ConditionPlanned,
    rater: NDArray[np.int32],
    counts: NDArray[np.int64],
    weight: NDArray[np.float64],
    chances: Sequence[Fraction],
    schedule: NDArray[np.int32],
) -> WeightsRealised:
    """Due and realised weight by deciles of π, over the raters that the condition trains on, in the source's order.

    Args:
        rater: of every pair, held-out ones among them, as the schedule numbers them.
        counts: N_r, the pairs of each rater that are left to train on.
    """
    trained = [int(r) for r in np.flatnonzero((weight > 0) & (counts > 0))]
    deciles = deciles_by([chances[r] for r in trained])
    decile = dict(zip(trained, deciles, strict=True))
    drawn = rater[schedule].tolist()
    counted = weights_in_loss((weight[drawn] / counts[drawn]).tolist(), planned.estimator, planned.micro_batch or 1)
    rows = zip(
        shares_of(deciles, counts[trained].tolist()),
        shares_of(deciles, weight[trained].tolist()),
        realised_shares([decile[r] for r in drawn], counted, planned.batch),
        strict=True,
    )
    return WeightsRealised(
        condition=planned.condition,
        deciles=[
            DecileShare(decile=d, raters=deciles.count(d), pairs=share, due=due, realised=realised)
            for d, (share, due, realised) in enumerate(rows, start=1)
        ],
    )
