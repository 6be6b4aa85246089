"""The dimensions of a model from its configuration, and its number of parameters: neither loads its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.sections.what_trains import TinySection
from core.training.models.model import header_of


@dataclass(frozen=True)
class Dimensions:
    """A decoder built like Llama: gated feed-forward layers of `inner` units, `heads` queries and `groups` keys."""

    hidden: int
    inner: int
    layers: int
    heads: int
    groups: int
    head: int
    vocabulary: int
    tied: bool
    biased: bool = False

    @property
    def queries(self) -> int:
        """Numbers of a token's queries in one layer."""
        return self.heads * self.head

    @property
    def keys(self) -> int:
        """Numbers of a token's keys in one layer, and of its values."""
        return self.groups * self.head

    @property
    def parameters(self) -> int:
        """Weights of embeddings, layers and norms."""
        attention = 2 * self.hidden * (self.queries + self.keys)
        bias = self.queries + 2 * self.keys if self.biased else 0
        layer = attention + bias + 3 * self.hidden * self.inner + 2 * self.hidden
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.layers * layer + embeddings + self.hidden

    def adapters(self, rank: int) -> int:
        """Numbers of adapters (LoRA) of a rank on every linear layer but the head."""
        attention = 2 * (self.hidden + self.queries) + 2 * (self.hidden + self.keys)
        return self.layers * rank * (attention + 3 * (self.hidden + self.inner))


_NEEDED = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
_BIASED = ("qwen2",)
"""Models whose queries, keys and values have biases although their configuration does not say so."""


def dimensions_of(settings: Mapping[str, Any]) -> Dimensions | None:
    """The dimensions in a configuration of transformers; None where it is not of a model like Llama."""
    if not all(isinstance(settings.get(name), int) and settings[name] > 0 for name in _NEEDED):
        return None
    if any(isinstance(settings.get(name), int) and settings[name] > 1 for name in _EXPERTS):
        return None
    hidden, inner, layers, heads, vocabulary = (settings[name] for name in _NEEDED)
    return Dimensions(
        hidden=hidden,
        inner=inner,
        layers=layers,
        heads=heads,
        groups=settings.get("num_key_value_heads") or heads,
        head=settings.get("head_dim") or hidden // heads,
        vocabulary=vocabulary,
        tied=bool(settings.get("tie_word_embeddings")),
        biased=bool(settings.get("attention_bias")) or settings.get("model_type") in _BIASED,
    )


def dimensions_of_tiny(tiny: TinySection) -> Dimensions:
    """Those of the tiny model with the largest vocabulary that it may get."""
    return Dimensions(
        hidden=tiny.hidden,
        inner=3 * tiny.hidden,
        layers=tiny.layers,
        heads=tiny.heads,
        groups=tiny.heads,
        head=tiny.hidden // tiny.heads,
        vocabulary=tiny.vocabulary,
        tied=True,
    )


def parameters_in(files: Sequence[Path]) -> int | None:
    """How many numbers safetensors files hold, from their headers; None where one cannot be read."""
    try:
        return sum(math.prod(one["shape"]) for path in files for one in header_of(path)[0].values())
    except (InputError, KeyError, TypeError):
        return None
