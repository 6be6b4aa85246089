"""How much disk training takes, and how often a state is kept. Plain arithmetic, which loads no torch.

A state is what training goes on from after an interruption: every parameter as it is trained, and what the optimizer
keeps of it. It costs a pause and its bytes, and the training since the last one where a machine goes down; so states
are rare in long trainings and there are none in short ones. A final model is written once per condition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_MINUTES = 20.0
"""Between two states, where `train.checkpoint_minutes` names no number."""

SHARD = 5 * 1000**3
"""Bytes that a file of a final model has at most; a single tensor that is larger has a file of its own."""


def state_minutes(checkpoint_minutes: float | None, predicted: float | None) -> float:
    """Minutes of training between two states: as configured, else max(20, half of what the condition takes).

    Args:
        checkpoint_minutes: `train.checkpoint_minutes`; 0 keeps a state after every step, None leaves it to the rule.
        predicted: minutes of the whole condition; None where nothing is known of it yet.
    """
    if checkpoint_minutes is not None:
        return checkpoint_minutes
    return max(LEAST_MINUTES, (predicted or 0.0) / 2)


@dataclass(frozen=True)
class DiskNeed:
    """Bytes of a training, beside its record.

    Attributes:
        state: one state.
        final: one final model.
        states_per_condition: states that a condition leaves, one after the other; None where nobody can say.
        peak: what lies on the disk at one time, at most.
        written: by all states and final models together; None where nobody can say how many states there are.
    """

    state: int
    final: int
    states_per_condition: int | None
    peak: int
    written: int | None


def disk_need(
    state: int,
    final: int,
    conditions: int,
    minutes: float | None,
    checkpoint_minutes: float | None,
    steps: int | None = None,
) -> DiskNeed:
    """What training some conditions takes of a disk, each of them `minutes` long.

    What is assumed:
        - Tokenizers and configurations (some MB each) and the record are not counted.
        - The base model is there already.
        - States are kept while a condition trains, so not after its last step. A condition of M minutes with m minutes
          between states leaves ⌈M/m⌉ − 1 of them: by the rule none up to 20 minutes and one above. Each stop
          that is asked for leaves one more, and so may steps that grow slower than those before them.
        - A new state is complete before the old one goes, and a state goes once the final model is complete.

    Args:
        state: bytes of all that is trained, as it is trained, and of what its optimizer keeps.
        final: bytes of one final model, in the numbers that the base model is stored in, or of one adapter.
        conditions: that are trained.
        minutes: of training per condition; None where not known.
        checkpoint_minutes: `train.checkpoint_minutes`.
        steps: optimizer steps of a condition, needed where it is 0.
    """
    if conditions == 0:
        return DiskNeed(state, final, 0, 0, 0)
    kept = _states(minutes, checkpoint_minutes, steps)
    peak = (conditions - 1) * final + state + max(state, final)
    written = None if kept is None else conditions * (kept * state + final)
    return DiskNeed(state, final, kept, peak, written)


def _states(minutes: float | None, checkpoint_minutes: float | None, steps: int | None) -> int | None:
    """States that a condition leaves; None where nobody can say."""
    most = math.inf if steps is None else max(0, steps - 1)
    if checkpoint_minutes == 0:
        return None if steps is None else int(most)
    if minutes is None:
        return None if checkpoint_minutes is not None else int(min(1, most))
    between = state_minutes(checkpoint_minutes, minutes)
    return int(min(most, max(0, math.ceil(minutes / between) - 1)))
