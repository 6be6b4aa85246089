"""The learning rate of every optimizer step, as a share of `train.learning_rate`. Standard library only.

With S steps, W = ⌈warmup · S⌉ of them warm-up, and d steps done before:

    d < W:   (d + 1) / W                                  so that the first step learns, too
    d ≥ W:   r = (S − d) / (S − W)                        linear
             ½ (1 − cos πr)                               cosine
             1                                            constant
"""

from __future__ import annotations

import math


def rate_share(done: int, steps: int, warmup: float, schedule: str) -> float:
    """The share of the learning rate in the step after `done` steps.

    Args:
        steps: of the whole training, S.
        warmup: share of the steps, from 0 to 1.
        schedule: linear, cosine or constant.
    """
    rising = math.ceil(warmup * steps)
    if done < rising:
        return (done + 1) / rising
    left = max(0.0, (steps - done) / max(1, steps - rising))
    if schedule == "cosine":
        return 0.5 * (1 - math.cos(math.pi * left))
    return 1.0 if schedule == "constant" else left
