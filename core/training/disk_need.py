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

MOMENTS = 2
"""Numbers that AdamW keeps of every parameter, beside the parameter."""

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


def state_bytes(weight_bytes: float) -> float:
    """Bytes of a state per parameter: the parameter and AdamW's two moments, all in the numbers of the weights.

    12 where they are float32 (`fp32` and `bf16_mixed`), 6 in bfloat16 (`bf16`). Optimizers with one moment or with
    moments of eight bits keep less.

    Args:
        weight_bytes: of a weight as it is trained, 4 or 2.
    """
    return weight_bytes * (1 + MOMENTS)


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
    parameters: int,
    final_bytes_per_parameter: float,
    state_bytes_per_parameter: float,
    conditions: int,
    minutes: float | None,
    checkpoint_minutes: float | None,
    steps: int | None = None,
) -> DiskNeed:
    """What training some conditions takes of a disk, each of them `minutes` long.

    What is assumed:
        - Tied parameters count once. Tokenizers and configurations (some MB each) and the record are not counted.
        - The base model is there already.
        - States are kept while a condition trains, so not after its last step. A condition of M minutes with m minutes
          between states leaves ⌈M/m⌉ − 1 of them: by the rule none up to 20 minutes and one above. Each stop
          that is asked for leaves one more, and so may steps that grow slower than those before them.
        - A new state is complete before the old one goes, and a state goes once the final model is complete.

    Args:
        parameters: of the model.
        final_bytes_per_parameter: in the numbers that the base model is stored in: 2 for bfloat16.
        state_bytes_per_parameter: `state_bytes`, or what the optimizer makes of it.
        conditions: that are trained.
        minutes: of training per condition; None where not known.
        checkpoint_minutes: `train.checkpoint_minutes`.
        steps: optimizer steps of a condition, needed where it is 0.
    """
    state = math.ceil(parameters * state_bytes_per_parameter)
    final = math.ceil(parameters * final_bytes_per_parameter)
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
