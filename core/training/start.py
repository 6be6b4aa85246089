"""The first step as an oracle: before any update the policy is its own reference, so every pair's margin is 0.

    m_b = β · (Δ_b of the policy − Δ_b of the reference) = 0,   Δ_b = log π(chosen) − log π(rejected)

What is left is rounding, since the reference scores the same sequences in other batches. More than that means
that something differs between the two: dropout that is still on, other tokens, another template, a cached score
of another model. In float32 rounding is far below 1e-3. In bfloat16 it depends on the model and the lengths, so it
is measured: d is the largest difference of a pair's margin between two layouts of the first step's pairs, the
micro-batches of training and every sequence on its own, and 6 · d is allowed (never less than 1e-3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.facts.training.rules import start_tolerance
from core.sections.what_trains import TrainSection
from core.training.as_tokens.tokens import Key
from core.training.batches import PairCollator
from core.training.models.precision import Placement
from core.training.reference import score_batch

Batch = tuple[list[Key], list[Key]]
"""The chosen and the rejected sequences of a micro-batch."""


@dataclass(frozen=True)
class Start:
    """What the first step of a condition is held to; layouts is d, None in float32."""

    collator: PairCollator
    train: TrainSection
    placed: Placement
    layouts: float | None

    @property
    def tolerance(self) -> float:
        """The largest margin of a pair that rounding explains."""
        return start_tolerance(self.layouts)

    def differing(self, model: Any) -> str:
        """What differs between a policy that nothing has changed yet and its reference, for a sentence.

        The pairs are scored once more as the reference was, in evaluation mode: where their margins are gone, it
        was something that only training switches on.
        """
        if self._largest_at_rest(model) <= self.tolerance:
            return f"dropout, or other noise that {type(model).__name__} switches on in training, is not off"
        return (
            "the log-probabilities in the reference's cache are not those of this model and these tokens: the chat "
            "template, the tokenizer, the weights or the way of computing differ from when they were scored"
        )

    def _largest_at_rest(self, model: Any) -> float:
        reference, largest = self.collator.reference, 0.0
        for chosen, rejected in _first_step(self.collator, self.train):
            now = _differences(model, self, (chosen, rejected), at_once=2 * len(chosen))
            was = [reference[y] - reference[n] for y, n in zip(chosen, rejected, strict=True)]
            largest = max(largest, _apart(now, was))
        return self.train.beta * largest


def start_of(model: Any, collator: PairCollator, train: TrainSection, placed: Placement) -> Start:
    """Measures what rounding does to the first step's margins, where that depends on the model.

    Args:
        model: the policy before its first update, with TRL's fused head.
    """
    start = Start(collator, train, placed, None)
    if placed.exact:
        return start
    apart = 0.0
    for batch in _first_step(collator, train):
        together = _differences(model, start, batch, at_once=2 * len(batch[0]))
        apart = max(apart, _apart(together, _differences(model, start, batch, at_once=1)))
    return Start(collator, train, placed, train.beta * apart)


def _first_step(collator: PairCollator, train: TrainSection) -> list[Batch]:
    """The micro-batches of the first optimizer step."""
    starts = range(0, train.batch, train.micro_batch)
    return [collator.keys(range(start, start + train.micro_batch)) for start in starts]


def _differences(model: Any, start: Start, batch: Batch, at_once: int) -> list[float]:
    """Δ of every pair of a micro-batch in evaluation mode, `at_once` sequences together."""
    keys = [*batch[0], *batch[1]]
    training, collator = model.training, start.collator
    model.eval()
    scores: list[float] = []
    for i in range(0, len(keys), at_once):
        scores += score_batch(model, collator.tokens, keys[i : i + at_once], start.placed, collator.pad)
    model.train(training)
    half = len(batch[0])
    return [y - n for y, n in zip(scores[:half], scores[half:], strict=True)]


def _apart(some: list[float], others: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(some, others, strict=True))
