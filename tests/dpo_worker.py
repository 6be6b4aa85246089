"""Trains one optimizer step and writes its gradient; run by tests alone or under torchrun.

python dpo_worker.py OUTPUT MICRO_BATCH
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from training_world import direct_log_prob, make_config, make_pairs, make_tiny

from core.training.as_tokens.fitting import tokenise
from core.training.as_tokens.tokens import every_pair
from core.training.batches import PairCollator, Rows
from core.training.models.precision import placement, quiet_libraries

BATCH = 16


def make_step(micro_batch: int, weight: Any = None, folder: Path = Path("."), multiple: int = 1, **train: Any) -> Any:
    """(trainer, collator, gradients): sixteen pairs of unequal weight; gradients fill up during training."""
    import torch
    from transformers import TrainerCallback

    from core.training.dpo import make_trainer

    quiet_libraries()
    pairs = make_pairs(pairs=BATCH)
    tokenizer, reference_model = make_tiny(pairs, seed=3)
    _, policy = make_tiny(pairs, seed=4)
    values = {"steps": 1, "batch": BATCH, "micro_batch": micro_batch, "max_gradient_norm": 0, **train}
    section = make_config(**values).train
    assert section is not None
    tokens = tokenise(tokenizer, pairs.contexts, pairs.responses, every_pair(pairs), 96)
    with torch.no_grad():
        reference = {key: float(direct_log_prob(reference_model, *tokens.ids(key))) for key in tokens.sequences()}
    generator = np.random.default_rng(0)
    weights = generator.lognormal(sigma=1.5, size=BATCH) if weight is None else np.asarray(weight, dtype=float)
    rows = Rows(context=pairs.context, chosen=pairs.chosen, rejected=pairs.rejected, weight=weights)
    collator = PairCollator(rows, tokens, reference, tokenizer.pad_token_id, multiple)
    found: dict[str, Any] = {}

    class Watch(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            gradients = [p.grad.reshape(-1) for p in kwargs["model"].parameters()]
            found["gradient"] = torch.cat(gradients).double().numpy().copy()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            found["metrics"] = trainer.take_metrics()

    placed = placement(section)
    trainer = make_trainer(policy.to(placed.dtype), tokenizer, collator, section, placed, folder, 0, Watch())
    return trainer, collator, found


def main() -> None:
    output, micro_batch = Path(sys.argv[1]), int(sys.argv[2])
    trainer, _, found = make_step(micro_batch, folder=output.parent)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        assert trainer.accelerator.distributed_type == "MULTI_CPU", trainer.accelerator.distributed_type
        assert trainer.accelerator.num_processes == 2
    trainer.train()
    if trainer.accelerator.is_main_process:
        metrics = found["metrics"]
        np.savez(output, gradient=found["gradient"], metrics=[metrics.loss, metrics.margin, metrics.gradient_norm])


if __name__ == "__main__":
    main()
