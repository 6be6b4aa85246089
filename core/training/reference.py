"""Log-probabilities of responses under a frozen model: Σ_t log p(y_t | prompt, y_<t), in nats.

Each distinct sequence, a prompt and a response as fitted, is scored once and shared by all conditions. Its SHA-256
names it in the artifact, so that a log-probability is only ever used for the tokens that it was computed from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import InputError
from core.facts.training.rules import REFERENCE_COLUMNS, REFERENCE_FORMAT
from core.training.as_tokens.tokens import Key, Tokens
from core.training.models.precision import Placement


def with_fused_head(model: Any) -> Any:
    """The model with TRL's fused LM head, as in training, so that no (B, T, vocabulary) tensor is built and a policy
    starts at its reference. To be called once: a second head would wrap the first."""
    from trl.trainer.utils import add_fused_lm_head

    add_fused_lm_head(model)
    return model


def log_probs(
    model: Any,
    tokens: Tokens,
    sequences: Sequence[Key],
    placed: Placement,
    pad: int,
    budget: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Key, float]:
    """Sum of the response's token log-probabilities for every sequence, float32 values.

    Sequences are scored in order of length to save padding.

    Args:
        model: a causal LM with TRL's fused head, on its device, in evaluation mode.
        budget: padded tokens per batch; one sequence is always scored.
        progress: called with sequences done and sequences in all.
    """
    found: dict[Key, float] = {}
    for batch in _by_length(tokens, sequences, budget, placed.multiple):
        found.update(zip(batch, score_batch(model, tokens, batch, placed, pad), strict=True))
        progress(len(found), len(sequences))
    return {key: found[key] for key in sequences}


def score_batch(model: Any, tokens: Tokens, sequences: Sequence[Key], placed: Placement, pad: int) -> list[float]:
    """Log-probabilities of some responses in one batch, without gradient; `model` has TRL's fused head."""
    import torch

    inputs = {k: v.to(placed.device) for k, v in tokens.batch(sequences, pad, placed.multiple).items()}
    with torch.no_grad(), placed.computing():
        scores: list[float] = response_log_probs(model, inputs).tolist()
    return scores


def response_log_probs(model: Any, inputs: Mapping[str, Any]) -> Any:
    """log π(response | context) of every sequence, summed over the response's tokens in float32. Shape (B,).

    Policy and reference go through this one function, so that a margin of zero is exactly zero.

    Args:
        model: a causal LM with TRL's fused head.
        inputs: input_ids, attention_mask and completion_mask, each (B, T).
    """
    scored = model(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        labels=inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100),
        fused_lm_head=True,
        use_cache=False,
    )
    return scored.log_probs.float().sum(dim=1)


def encode_reference(values: Mapping[str, float]) -> bytes:
    """The log-probabilities as JSON, by `Tokens.digest`.

    `{"format", "columns", "rows"}`; a row is [sequence, log_probability], in the order of the digests.
    """
    rows = [[sequence, values[sequence]] for sequence in sorted(values)]
    body = {"format": REFERENCE_FORMAT, "columns": REFERENCE_COLUMNS, "rows": rows}
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def decode_reference(body: bytes) -> dict[str, float]:
    """The inverse of `encode_reference`."""
    values = json.loads(body)
    if values["format"] != REFERENCE_FORMAT:
        raise InputError(
            f"log-probabilities of format {values['format']!r} cannot be read; this program reads {REFERENCE_FORMAT}"
        )
    return dict(values["rows"])


def _by_length(tokens: Tokens, sequences: Sequence[Key], budget: int, multiple: int) -> list[list[Key]]:
    """Batches of sequences of similar length, longest first, so that a lack of memory shows at once."""
    batches: list[list[Key]] = []
    width = 0
    for key in sorted(sequences, key=lambda k: (-tokens.length(k), k)):
        if not batches or (len(batches[-1]) + 1) * width > budget:
            batches.append([])
            width = tokens.width([key], multiple)
        batches[-1].append(key)
    return batches
