"""Token ids of pairs as fitted, and the pairs and sequences that a run needs them of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.training.padding import padded
from core.types import Condition, PreferencePairs

if TYPE_CHECKING:
    import torch

Ids = NDArray[np.int32]
"""Token ids of a prompt or a response."""

Pair = tuple[int, int, int]
"""A pair of texts: index of its context and of its two responses in the pairs, the smaller one first."""

Key = tuple[int, int]
"""A sequence: index of its prompt and of its response in `Tokens`."""


@dataclass(frozen=True)
class Tokens:
    """Token ids of pairs as fitted, and how many sequences were cut.

    prompts and responses are distinct; pairs gives the sequences of a pair, in the order of its responses; no sequence
    is longer than window, L.
    """

    prompts: Sequence[Ids]
    responses: Sequence[Ids]
    pairs: Mapping[Pair, tuple[Key, Key]]
    cut_contexts: int
    cut_responses: int
    window: int

    def sequences(self) -> list[Key]:
        """The distinct sequences of all pairs, in ascending order."""
        return sorted({key for keys in self.pairs.values() for key in keys})

    def keys(self, context: int, first: int, second: int) -> tuple[Key, Key]:
        """The sequences of two responses that are compared after a context."""
        if first <= second:
            return self.pairs[context, first, second]
        smaller, larger = self.pairs[context, second, first]
        return larger, smaller

    def length(self, key: Key) -> int:
        """Tokens of prompt and response together."""
        return len(self.prompts[key[0]]) + len(self.responses[key[1]])

    def width(self, sequences: Iterable[Key], multiple: int) -> int:
        """Columns of a batch: its longest sequence, rounded up to a multiple within the window."""
        longest = max(map(self.length, sequences))
        return max(longest, min(self.window, -(-longest // multiple) * multiple))

    def batch(self, sequences: Sequence[Key], pad: int, multiple: int) -> dict[str, torch.Tensor]:
        """Some sequences as tensors; see `padded` and `width`."""
        return padded([self.ids(key) for key in sequences], pad, self.width(sequences, multiple))

    def ids(self, key: Key) -> tuple[Ids, Ids]:
        """(prompt, response) of one sequence."""
        return self.prompts[key[0]], self.responses[key[1]]

    def digest(self, key: Key) -> str:
        """SHA-256 of a sequence: length of the prompt, its tokens, those of the response, as little-endian int32."""
        prompt, response = self.ids(key)
        parts = (np.array([len(prompt)]), prompt, response)
        return hashlib.sha256(b"".join(part.astype("<i4").tobytes() for part in parts)).hexdigest()


def scheduled_pairs(pairs: PreferencePairs, conditions: Iterable[Condition]) -> list[Pair]:
    """The distinct pairs of texts that any schedule uses, and those that are measured, in ascending order."""
    used = [indices for c in conditions for indices in (c.schedule.ravel(), c.measured)]
    return every_pair(pairs, np.unique(np.concatenate(used)) if used else np.empty(0, dtype=np.int32))


def every_pair(pairs: PreferencePairs, indices: NDArray[np.int32] | slice = slice(None)) -> list[Pair]:
    """The distinct pairs of texts of some preference pairs, or of all, in ascending order."""
    chosen, rejected = pairs.chosen[indices], pairs.rejected[indices]
    columns = [pairs.context[indices], np.minimum(chosen, rejected), np.maximum(chosen, rejected)]
    return [(int(c), int(a), int(b)) for c, a, b in np.unique(np.stack(columns, axis=1), axis=0)]


def every_response(pairs: PreferencePairs) -> list[Pair]:
    """The distinct (context, response) of all pairs in ascending order, each as a pair with itself."""
    contexts = np.concatenate([pairs.context, pairs.context])
    responses = np.concatenate([pairs.chosen, pairs.rejected])
    distinct = np.unique(np.stack([contexts, responses], axis=1), axis=0)
    return [(int(c), int(r), int(r)) for c, r in distinct]
