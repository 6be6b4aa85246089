"""One micro-batch of the longest rows, forward and backward on the real device: what it takes, and how long.

The micro-batch is taken twice. The first pays for what every process pays once (libraries, kernels, buffers); the
second is the one that counts: its gradient is added to that of the first, as in a step of several micro-batches, so
that weights, gradient and activations are in memory together. Nothing is updated, and no generator moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.sections.what_trains import TrainSection
from core.training.models.adapters import with_new_adapter
from core.training.models.dropout import switch_off_dropout
from core.training.models.precision import Placement
from core.training.prediction.peak import Peak
from core.training.reference import response_log_probs

if TYPE_CHECKING:
    import torch

POLICY_OUTPUTS = ("log_probs", "entropy", "mean_logits", "is_top1")
"""What TRL's trainer asks of the head of a policy, whether it is used or not: it takes memory on a CPU."""


@dataclass(frozen=True)
class MicroBatch:
    """What one micro-batch took: bytes in use at most, with weights and gradient; seconds of the second time."""

    peak: int
    seconds: float
    sequences: int
    width: int


def take(
    model: Any, inputs: Mapping[str, torch.Tensor], train: TrainSection, placed: Placement, peak: Peak
) -> MicroBatch:
    """Measures one micro-batch; the model's gradients are gone afterwards, its weights are as they were.

    Args:
        model: a causal LM on its device, fresh from its files.
        inputs: input_ids, attention_mask and completion_mask, each (2m, T), chosen sequences first.
        peak: watches the device since before the model was loaded.
    """
    import torch
    from trl.trainer.utils import add_fused_lm_head

    switch_off_dropout(model)
    add_fused_lm_head(model, outputs=POLICY_OUTPUTS)
    if train.lora is not None:
        model = with_new_adapter(model, train.lora)
    if train.gradient_checkpointing:
        _enabler(model)({"use_reentrant": False})
    model.train()
    here = {name: value.to(placed.device) for name, value in inputs.items()}
    gpus = [torch.cuda.current_device()] if placed.device == "cuda" else []
    seconds = 0.0
    with torch.random.fork_rng(devices=gpus):
        for _ in range(2):
            if train.batch == train.micro_batch:
                model.zero_grad(set_to_none=True)
            begun = peak.settle()
            _forward_backward(model, here, train, placed)
            seconds = peak.settle() - begun
    model.zero_grad(set_to_none=True)
    sequences, width = here["input_ids"].shape
    return MicroBatch(peak=peak.bytes(), seconds=seconds, sequences=sequences, width=width)


def _enabler(model: Any) -> Callable[[dict[str, bool]], object]:
    """Switches checkpointing on; transformers 5.23 renamed it, older versions know only the second name."""
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    found: Callable[[dict[str, bool]], object] = next(getattr(model, name) for name in names if hasattr(model, name))
    return found


def _forward_backward(model: Any, inputs: Mapping[str, Any], train: TrainSection, placed: Placement) -> None:
    """The loss of a training step but for its weights and its reference, and its gradient."""
    import torch.nn.functional as F

    with placed.computing():
        chosen, rejected = response_log_probs(model, inputs).chunk(2)
        loss = -F.logsigmoid(train.beta * (chosen - rejected)).mean()
    loss.backward()
