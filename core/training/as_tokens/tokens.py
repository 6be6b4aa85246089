"""Token ids of pairs as fitted, and the pairs and sequences that a run needs them of."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.facts.training.token_file import CUT_CONTEXT, CUT_RESPONSE
from core.training.as_tokens.padding import padded
from core.types import Condition, PreferencePairs

if TYPE_CHECKING:
    import torch

Ids = NDArray[np.int32]
"""Token ids of a prompt or a response."""

Pair = tuple[int, int, int]
"""A pair of texts: index of its context and of its two responses in the pairs, the smaller one first."""

Pairs = NDArray[np.int32]
"""Some of them, one a row: shape (n, 3)."""

Key = tuple[int, int]
"""A sequence: index of its prompt and of its response in `Tokens`."""


@dataclass(frozen=True)
class TokenStrings:
    """Token strings that lie in one array, which may be a file: number i is ids[starts[i] : starts[i] + lengths[i]]."""

    ids: Ids
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> Ids:
        start = int(self.starts[number])
        return self.ids[start : start + int(self.lengths[number])]


@dataclass(frozen=True)
class Tokens:
    """Token ids of pairs as fitted, and what of each sequence was cut.

    prompts and responses are distinct. No sequence is longer than window, L. All tables are columns, so that what is
    looked for in one of them is read where it lies:

    pairs: shape (6, P), int32, in ascending order: context and two responses in the pairs, the smaller one first; the
    prompt that they follow here, and what became of the two responses.
    ordered: the distinct sequences (prompt, response), shape (2, S), int32, in ascending order.
    cut: shape (S,), uint8, the marks of `token_file` on each sequence.
    """

    prompts: TokenStrings
    responses: TokenStrings
    pairs: NDArray[np.int32]
    ordered: NDArray[np.int32]
    cut: NDArray[np.uint8]
    window: int

    @property
    def cut_contexts(self) -> int:
        """Sequences whose prompt lost its beginning."""
        return int(np.count_nonzero(self.cut & CUT_CONTEXT))

    @property
    def cut_responses(self) -> int:
        """Sequences whose response lost its end."""
        return int(np.count_nonzero(self.cut & CUT_RESPONSE))

    def sequences(self) -> list[Key]:
        """The distinct sequences of all pairs, in ascending order."""
        prompts, responses = self.ordered.tolist()
        return list(zip(prompts, responses, strict=True))

    def keys(self, context: int, first: int, second: int) -> tuple[Key, Key]:
        """The sequences of two responses that are compared after a context.

        Raises:
            KeyError: these tokens are of other pairs.
        """
        if first > second:
            smaller, larger = self.keys(context, second, first)
            return larger, smaller
        place, end = 0, self.pairs.shape[1]
        for column, wanted in zip(self.pairs, (context, first, second), strict=False):
            place, end = bisect_left(column, wanted, place, end), bisect_right(column, wanted, place, end)
        if place == end:
            raise KeyError((context, first, second))
        prompt, one, other = self.pairs[3:, place].tolist()
        return (prompt, one), (prompt, other)

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


def as_fitted(
    prompts: TokenStrings,
    responses: TokenStrings,
    pairs: NDArray[np.int32],
    cut: NDArray[np.uint8],
    window: int,
) -> Tokens:
    """Tokens from their distinct strings, and the distinct sequences of the pairs.

    Args:
        pairs: as in `Tokens`.
        cut: what was cut of the sequences of each pair, shape (2, P); a sequence that was cut for one pair and is
            another one's as it is, counts as cut.
    """
    prompt, *both = pairs[3:].astype(np.int64)
    codes, place = np.unique(np.concatenate([prompt << 32 | response for response in both]), return_inverse=True)
    marks = np.zeros(len(codes), dtype=np.uint8)
    np.bitwise_or.at(marks, place, cut.ravel())
    ordered = np.stack([codes >> 32, codes & 0xFFFFFFFF]).astype(np.int32)
    return Tokens(prompts, responses, pairs, ordered, marks, window)


def scheduled_pairs(pairs: PreferencePairs, conditions: Iterable[Condition]) -> Pairs:
    """The distinct pairs of texts that any schedule uses, and those that are measured, in ascending order."""
    used = [indices for c in conditions for indices in (c.schedule.ravel(), c.measured)]
    return every_pair(pairs, np.unique(np.concatenate(used)) if used else np.empty(0, dtype=np.int32))


def every_pair(pairs: PreferencePairs, indices: NDArray[np.int32] | slice = slice(None)) -> Pairs:
    """The distinct pairs of texts of some preference pairs, or of all, in ascending order."""
    chosen, rejected = pairs.chosen[indices], pairs.rejected[indices]
    columns = [pairs.context[indices], np.minimum(chosen, rejected), np.maximum(chosen, rejected)]
    return np.unique(np.stack(columns, axis=1), axis=0)


def every_response(pairs: PreferencePairs) -> Pairs:
    """The distinct (context, response) of all pairs in ascending order, each as a pair with itself."""
    contexts = np.concatenate([pairs.context, pairs.context])
    responses = np.concatenate([pairs.chosen, pairs.rejected])
    distinct = np.unique(np.stack([contexts, responses], axis=1), axis=0)
    return distinct[:, [0, 1, 1]]
