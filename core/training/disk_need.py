"""How much disk the training of a run takes: states that it goes on from, and the models that it ends with.

A state holds the weights and the optimizer's numbers. One is written every `checkpoint_minutes`, or, where that is
left out, every 20 minutes or after half of a condition's time, whichever is longer. While one is written the one
before it is still there, so two lie on the disk, beside the models of the conditions that are done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_MINUTES = 20.0
"""Between two states where the configuration says nothing."""


@dataclass(frozen=True)
class DiskNeed:
    """Bytes: of a state, of a final model, on the disk at most, and written in all."""

    state: int
    final: int
    states_per_condition: int
    peak: int
    written: int


def disk_need(
    parameters: int,
    final_bytes_per_parameter: float,
    state_bytes_per_parameter: float,
    conditions: int,
    minutes: float | None,
    checkpoint_minutes: float | None,
) -> DiskNeed:
    """The disk that training takes.

    Args:
        conditions: how many are trained.
        minutes: of one condition's training, as predicted; None: not known, so that one state is counted.
        checkpoint_minutes: between two states; None: by the rule of this module; 0: after every step, which is counted
            as one a minute.
    """
    state, final = int(parameters * state_bytes_per_parameter), int(parameters * final_bytes_per_parameter)
    states = 1
    if minutes is not None:
        every = max(LEAST_MINUTES, minutes / 2) if checkpoint_minutes is None else max(1.0, checkpoint_minutes)
        states = max(0 if checkpoint_minutes != 0 else 2, math.ceil(minutes / every) - 1)
    held = min(states, 2)
    peak = max(0, conditions - 1) * final + max(held * state + final, final) if conditions else 0
    return DiskNeed(state, final, states, peak, conditions * (states * state + final))
