"""How long training takes: operations of a step by arithmetic, over a speed that was measured or is taken from a range.

A token costs 6 operations a parameter, forward and backward, and 6 · layers · width · T in the attention over T tokens
(12 without the causal half). A pass that only scores costs a third. With gradient checkpointing the forward pass is
done twice; a measured speed has that in it already.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.training.prediction.dimensions import Dimensions

SPEEDS_CPU = (5e9, 80e9)
"""Operations a second of one thread, float32: from a small model on an old core to a large one on a new core."""

SPEEDS_GPU = {"fp32": (5e12, 50e12), "bf16_mixed": (20e12, 450e12), "bf16": (20e12, 450e12)}
"""Of one GPU, by precision: from a card for games at short rows to an H100 that is kept busy."""


@dataclass(frozen=True)
class Work:
    """What is computed: tokens of training and of scoring, padding included, and the width that their rows have."""

    trained: int
    scored: int
    width: int


def operations(tokens: int, width: int, parameters: int, model: Dimensions | None) -> float:
    """Floating-point operations of training on so many tokens in rows of `width`; a table of words that is looked up
    and not multiplied costs nothing."""
    looked_up = 0 if model is None or model.tied else model.vocabulary * model.hidden
    attention = 0 if model is None else 6 * model.layers * model.queries * width
    return float(tokens) * (6 * (parameters - looked_up) + attention)


def seconds_of(work: Work, parameters: int, model: Dimensions | None, speed: float) -> tuple[float, float]:
    """Seconds of training and of scoring the reference at `speed` operations a second."""
    trained = operations(work.trained, work.width, parameters, model) / speed
    return trained, operations(work.scored, work.width, parameters, model) / 3 / speed


def speeds(precision: str, cuda: bool, threads: int) -> tuple[float, float]:
    """The slowest and the fastest speed that is to be expected where nothing was measured."""
    if cuda:
        return SPEEDS_GPU[precision]
    return SPEEDS_CPU[0] * threads, SPEEDS_CPU[1] * threads
