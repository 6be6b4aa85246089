"""One row of `make bench`: some steps of training in given numbers with a given optimizer, in a process of its own.

    python tests/optimizer_cost.py PRECISION OPTIMIZER FILE

Prints tokens/s and peak memory in MiB as JSON, and writes the displacement of all weights to FILE.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import bench_gpu
import numpy as np
import torch

from core.training.batches import PairCollator
from core.training.dpo import make_trainer
from core.training.models.precision import placement
from core.training.prediction.peak import most_resident
from core.training.reference import log_probs, with_fused_head

STEPS = 6
SIZE = bench_gpu.Size(small="mid", large="mid", batch=4, micro=2, longest=128, steps=STEPS, steps_large=STEPS, gemm=0)

bench_gpu.SHAPES["mid"] = {
    "vocab_size": 4096,
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}


def main() -> None:
    precision, optimizer, file = sys.argv[1:]
    settings = {"precision": precision, "optimizer": optimizer, "device": "cpu"}
    train = bench_gpu.section(SIZE, STEPS, **settings)
    placed = placement(train)
    pairs = bench_gpu.make_pairs(STEPS * SIZE.batch, SIZE.longest, bench_gpu.SHAPES["mid"]["vocab_size"])
    model = bench_gpu.make_model("mid", torch.bfloat16, "cpu").to(placed.dtype)
    before = weights(model)
    reference = log_probs(with_fused_head(model.eval()), pairs.tokens, pairs.keys, placed, 2, 1024)
    collator = PairCollator(pairs.rows, pairs.tokens, reference, 2, placed.multiple)
    watch = bench_gpu.Watch()
    with tempfile.TemporaryDirectory() as scratch:
        watcher = bench_gpu.watching(watch)
        trainer = make_trainer(model, bench_gpu.make_tokenizer(), collator, train, placed, Path(scratch), 0, watcher)
        begun = time.process_time()
        trainer.train()
        spent = time.process_time() - begun
    peak = most_resident() / 2**20
    np.save(file, weights(model) - before)
    print(json.dumps({"tokens": pairs.once / spent, "peak": peak}))


def weights(model: torch.nn.Module) -> np.ndarray:
    """All weights in float64, shape (parameters,)."""
    return torch.cat([p.detach().reshape(-1).double() for p in model.parameters()]).numpy()


if __name__ == "__main__":
    main()
