"""The rows that a condition trains on, and micro-batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.facts.training.shares import weights_in_loss
from core.training.as_tokens.tokens import Key, Tokens
from core.types import Condition, PreferencePairs

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Rows:
    """One row per scheduled pair, in the schedule's order; all arrays have shape (steps · batch,)."""

    context: NDArray[np.int32]
    chosen: NDArray[np.int32]
    rejected: NDArray[np.int32]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.context)


def rows_of(condition: Condition, pairs: PreferencePairs) -> Rows:
    """The rows a condition trains on, with chosen and rejected exchanged where a citizen says so.

    weight is what the row counts in the loss of its step (`weights_in_loss`), of ω = w_r / N_r.
    """
    p = condition.schedule.ravel()
    flip = condition.flipped.ravel()
    chosen, rejected = pairs.chosen[p], pairs.rejected[p]
    r = pairs.rater[p]
    omega = condition.weight[r] / condition.pairs_of_rater[r]
    weight = weights_in_loss(omega.tolist(), condition.estimator, condition.micro_batch)
    return Rows(
        context=pairs.context[p],
        chosen=np.where(flip, rejected, chosen),
        rejected=np.where(flip, chosen, rejected),
        weight=np.array(weight, dtype=np.float64),
    )


@dataclass(frozen=True)
class PairCollator:
    """Turns row numbers into a micro-batch of m pairs, in the layout of TRL's preference collator.

    `input_ids`, `attention_mask`, `completion_mask`: (2m, T), chosen rows first, padded right; T as `Tokens.width`
    rounds it up to `multiple`.
    `ref_chosen_logps`, `ref_rejected_logps`: (m,) float32, nats. `weight`: (m,) float64, ω.
    """

    rows: Rows
    tokens: Tokens
    reference: Mapping[Key, float]
    pad: int
    multiple: int

    def keys(self, numbers: Iterable[int]) -> tuple[list[Key], list[Key]]:
        """The chosen and the rejected sequences of some rows."""
        rows = self.rows
        both = [self.tokens.keys(int(rows.context[i]), int(rows.chosen[i]), int(rows.rejected[i])) for i in numbers]
        return [chosen for chosen, _ in both], [rejected for _, rejected in both]

    def __call__(self, examples: Sequence[Mapping[str, int]]) -> dict[str, torch.Tensor]:
        import torch

        numbers = [example["row"] for example in examples]
        chosen, rejected = self.keys(numbers)
        batch = self.tokens.batch(chosen + rejected, self.pad, self.multiple)
        batch["ref_chosen_logps"] = torch.tensor([self.reference[key] for key in chosen], dtype=torch.float32)
        batch["ref_rejected_logps"] = torch.tensor([self.reference[key] for key in rejected], dtype=torch.float32)
        batch["weight"] = torch.from_numpy(self.rows.weight[numbers])
        return batch
