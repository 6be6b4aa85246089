"""Measures a condition on the held-out pairs while it trains, without a trace in what it trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.data.attributes import has_category
from core.errors import DempoError
from core.events import HeldOutMeasured, HeldOutRow
from core.facts.training.held_out_metrics import RESAMPLING, Group, HeldOutValue, RaterResamples, held_out_values
from core.facts.training.split import MARGINS_TYPE, is_measured_after
from core.sections.what_trains import TrainSection
from core.sections.who_is_drawn import Attribute
from core.stage import Context
from core.training.as_tokens.tokens import Key, Tokens
from core.training.heldout.margins import encode_margins
from core.training.models.precision import Placement
from core.training.reference import log_probs
from core.types import PreferencePairs


@dataclass(frozen=True)
class HeldOutMeasuring:
    """The pairs that every condition of a run is measured on, as sequences, and whose they are.

    pairs[j] are the chosen and the rejected sequence of the j-th measured pair, rater[j] its rater; groups are the
    raters of each category; budget is padded tokens of a batch.
    """

    ctx: Context
    pairs: Sequence[tuple[Key, Key]]
    rater: Sequence[int]
    groups: Mapping[Group, Sequence[int]]
    resamples: RaterResamples
    tokens: Tokens
    reference: Mapping[Key, float]
    train: TrainSection
    placed: Placement
    pad: int

    def due(self, step: int, steps: int) -> bool:
        """Whether it is time to measure after a step of so many."""
        assert self.train.held_out is not None, "pairs are held out where it is asked for"
        return is_measured_after(step, steps, self.train.held_out.every)

    def measure(self, model: Any, condition: str, step: int, last: bool) -> HeldOutMeasured:
        """What a policy makes of the held-out pairs; intervals at the last step alone, since they take long to check.

        The model is scored in evaluation mode, as the reference was, and left in the mode that it was in; no random
        number is drawn but those of the resamples.

        Args:
            model: the policy, with TRL's fused head.

        Raises:
            DempoError: a margin is no finite number.
        """
        margins = self._margins(model, condition)
        if not all(map(math.isfinite, margins)):
            raise DempoError(
                f"condition {condition!r} broke down at step {step}: the margin of a held-out pair is not a finite "
                "number; clone the run with a lower train.learning_rate"
            )
        overall, categories = held_out_values(margins, self.rater, self.groups, self.resamples if last else None)
        return HeldOutMeasured(
            condition=condition,
            step=step,
            rows=_rows(overall),
            categories=_rows(categories),
            artifact=self.ctx.store(encode_margins(margins), MARGINS_TYPE),
        )

    def _margins(self, model: Any, condition: str) -> list[float]:
        sequences = sorted({key for both in self.pairs for key in both})
        budget = 2 * self.train.micro_batch * self.train.max_length
        training = model.training
        model.eval()
        try:
            scores = log_probs(model, self.tokens, sequences, self.placed, self.pad, budget, self._progress(condition))
        finally:
            model.train(training)
        gain = {key: scores[key] - self.reference[key] for key in sequences}
        return [self.train.beta * (gain[chosen] - gain[rejected]) for chosen, rejected in self.pairs]

    def _progress(self, condition: str) -> Callable[[int, int], None]:
        return lambda done, total: self.ctx.progress(done, total, f"{condition}: scoring held-out pairs")


def held_out_to_measure(
    ctx: Context,
    pairs: PreferencePairs,
    measured: Sequence[int],
    tokens: Tokens,
    reference: Mapping[Key, float],
    train: TrainSection,
    placed: Placement,
    pad: int,
) -> HeldOutMeasuring | None:
    """What every condition is measured on; None where no pair is held out.

    Args:
        measured: numbers of the pairs.
        tokens, reference: hold their sequences.
    """
    if not len(measured):
        return None
    return HeldOutMeasuring(
        ctx=ctx,
        pairs=[tokens.keys(int(pairs.context[p]), int(pairs.chosen[p]), int(pairs.rejected[p])) for p in measured],
        rater=[int(pairs.rater[p]) for p in measured],
        groups=_groups(pairs, ctx.config.population.attributes if ctx.config.population else ()),
        resamples=RaterResamples(ctx.stream(*RESAMPLING)),
        tokens=tokens,
        reference=reference,
        train=train,
        placed=placed,
        pad=pad,
    )


def _groups(pairs: PreferencePairs, attributes: Sequence[Attribute]) -> dict[Group, list[int]]:
    """The raters of every category; those whom the pool leaves out, since they lack one, are in none."""
    pool = [r for r, rater in enumerate(pairs.raters) if all(has_category(rater.attributes, a) for a in attributes)]
    return {
        (attribute.name, category): [r for r in pool if pairs.raters[r].attributes[attribute.name] == category]
        for attribute in attributes
        for category in sorted(attribute.targets)
    }


def _rows(values: Sequence[HeldOutValue]) -> list[HeldOutRow]:
    return [HeldOutRow(**value._asdict()) for value in values]
