"""The first step as an oracle: before any update the policy is its own reference, so every pair's margin is 0.

    m_b = β · (Δ_b of the policy − Δ_b of the reference) = 0,   Δ_b = log π(chosen) − log π(rejected)

What is left is rounding, since the reference scores the same sequences in other batches. More than that means
that something differs between the two: dropout that is still on, other tokens, another template, a cached score
of another model. In float32 rounding is far below 1e-3. In bfloat16 it depends on the model and the lengths, so it
is measured: d is the largest difference of a pair's margin between two layouts of the first step's pairs, the
micro-batches of training and every sequence on its own, and 6 · d is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.config import TrainSection
from core.training.batches import Key, PairCollator
from core.training.precision import Placement
from core.training.reference import score_batch
from core.training.rules import start_tolerance

Batch = tuple[list[Key], list[Key]]
"""The chosen and the rejected sequences of a micro-batch."""


def first_step(collator: PairCollator, train: TrainSection) -> list[Batch]:
    """The micro-batches of the first optimizer step."""
    starts = range(0, train.batch, train.micro_batch)
    return [collator.keys(range(start, start + train.micro_batch)) for start in starts]


def allowed_margin(
    model: Any, collator: PairCollator, train: TrainSection, placed: Placement
) -> tuple[float, float | None]:
    """(the largest margin of a pair that rounding explains, d where it was measured).

    Args:
        model: the policy before its first update, with TRL's fused head.
    """
    if placed.exact:
        return start_tolerance(None), None
    apart = 0.0
    for chosen, rejected in first_step(collator, train):
        together = _differences(model, collator, placed, chosen, rejected, at_once=2 * len(chosen))
        alone = _differences(model, collator, placed, chosen, rejected, at_once=1)
        apart = max([apart, *(abs(a - b) for a, b in zip(together, alone, strict=True))])
    return start_tolerance(train.beta * apart), train.beta * apart


def what_differs(model: Any, collator: PairCollator, train: TrainSection, placed: Placement, allowed: float) -> str:
    """Why a policy that nothing has changed yet does not start at its reference, for a sentence.

    The same pairs are scored again as the reference was, in evaluation mode: where the margins are gone, it was
    something that only training switches on.
    """
    largest = 0.0
    for chosen, rejected in first_step(collator, train):
        now = _differences(model, collator, placed, chosen, rejected, at_once=2 * len(chosen))
        was = [collator.reference[y] - collator.reference[n] for y, n in zip(chosen, rejected, strict=True)]
        largest = max([largest, *(train.beta * abs(a - b) for a, b in zip(now, was, strict=True))])
    if largest <= allowed:
        return f"dropout or other noise that {type(model).__name__} switches on in training is not off"
    return (
        "the cached log-probabilities of the reference are not those of this model and these tokens, so the chat "
        "template, the tokenizer, the weights or the way of computing differ from when it was scored"
    )


def _differences(
    model: Any, collator: PairCollator, placed: Placement, chosen: Sequence[Key], rejected: Sequence[Key], at_once: int
) -> list[float]:
    """log π(chosen) − log π(rejected) of pairs, in evaluation mode, `at_once` sequences in a batch."""
    keys = [*chosen, *rejected]
    training = model.training
    model.eval()
    scores = [
        score
        for i in range(0, len(keys), at_once)
        for score in score_batch(model, collator.tokens, keys[i : i + at_once], placed, collator.pad)
    ]
    model.train(training)
    return [y - n for y, n in zip(scores[: len(chosen)], scores[len(chosen) :], strict=True)]
