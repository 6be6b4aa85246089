"""A tiny Llama that exists only inside a run: tokenizer, weights and brief pre-training on the run's own texts.

It speaks the run's language after seconds on one CPU thread, so that a whole run, LEXIMIN and TRL included,
works without a network and without a GPU. It is no model of anything beyond those texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.chat import install, require_trainable
from core.errors import DempoError, InputError
from core.facts.randomness import RandomStream
from core.facts.training.learning_rate import rate_share
from core.random_arrays import integers
from core.sections.what_trains import TinySection
from core.training.as_tokens.padding import padded

SPECIAL = {"bos_token": "<|bos|>", "eos_token": "<|eos|>", "pad_token": "<|pad|>"}
_WARMUP = 0.1
_WEIGHT_DECAY = 0.01


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE tokenizer of at most `vocabulary` tokens; every text can be written in it.

    The alphabet is the 256 bytes, so `vocabulary` must be 259 or more.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = install(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL))
    require_trainable(made)
    return made


def require_heads(tiny: TinySection) -> None:
    """Refuses a width that the heads cannot share.

    Raises:
        InputError: the heads don't divide the hidden size evenly.
    """
    if tiny.hidden % (2 * tiny.heads):
        raise InputError(
            f"train.tiny.hidden ({tiny.hidden}) must be a multiple of twice train.tiny.heads ({tiny.heads})"
        )


def make_model(tiny: TinySection, tokenizer: Any, positions: int, seed: int) -> Any:
    """An untrained Llama in float32 with tied embeddings, dropout-free.

    Args:
        positions: context window written into the configuration, in tokens.
        seed: of the initial weights.

    Raises:
        InputError: the heads don't divide the hidden size evenly.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    require_heads(tiny)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=tiny.hidden,
        intermediate_size=3 * tiny.hidden,
        num_hidden_layers=tiny.layers,
        num_attention_heads=tiny.heads,
        num_key_value_heads=tiny.heads,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        attention_dropout=0.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def pretrain(
    model: Any,
    sequences: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]],
    tiny: TinySection,
    stream: RandomStream,
    device: str,
    pad: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> float | None:
    """Next-token prediction on the sequences, prompts and responses alike; changes the model.

    AdamW with a tenth of the steps as warm-up, then a cosine down to zero. Batches are drawn uniformly,
    with replacement, from an audited stream.

    Returns:
        mean loss over the last tenth of the steps, nats per token; None without steps.

    Raises:
        DempoError: the loss is no longer a number.
    """
    import torch

    if not tiny.steps:
        return None
    model.to(device).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=tiny.learning_rate, betas=(0.9, 0.95), weight_decay=_WEIGHT_DECAY
    )
    share = partial(rate_share, steps=tiny.steps, warmup=_WARMUP, schedule="cosine")
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    losses = []
    for step in range(tiny.steps):
        chosen = integers(stream, len(sequences), tiny.batch)
        inputs = {k: v.to(device) for k, v in padded([sequences[i] for i in chosen], pad).items()}
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        loss = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise DempoError(
                f"the pre-training of the tiny model broke down at step {step + 1} (loss {losses[-1]}); "
                f"clone the run with train.tiny.learning_rate below {tiny.learning_rate}"
            )
        progress(step + 1, tiny.steps)
    model.eval()
    last = losses[-max(1, tiny.steps // 10) :]
    return math.fsum(last) / len(last)
