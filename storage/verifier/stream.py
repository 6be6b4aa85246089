"""Audited randomness: SHA-256 in counter mode with rejection sampling.

Block i of a stream is SHA-256(key ‖ i as 8 big-endian bytes); a block gives four 64-bit big-endian words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

RANDOM_DOMAIN = "dempo-random-1"
WORDS = 2**64


def stream_key(root: str | bytes, *path: str) -> bytes:
    """32 bytes for (seed or key, path): SHA-256 over domain, root and path, each after its length as 8 bytes."""
    digest = hashlib.sha256()
    first = root if isinstance(root, bytes) else root.encode()
    for encoded in (RANDOM_DOMAIN.encode(), first, *(part.encode() for part in path)):
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


class Stream:
    """The random numbers that a key stands for."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0
        self._words: list[int] = []

    def word(self) -> int:
        """The next 64 random bits."""
        if not self._words:
            block = hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
            self._words = [int.from_bytes(block[i : i + 8], "big") for i in (24, 16, 8, 0)]
        return self._words.pop()

    def below(self, n: int) -> int:
        """A uniform integer in [0, n); words at or above the largest multiple of n are skipped."""
        if not 1 <= n <= WORDS:
            raise ValueError(f"no random number below {n}")
        limit = WORDS - WORDS % n
        while True:
            value = self.word()
            if value < limit:
                return value % n

    def shuffle(self, items: list[Any]) -> None:
        """Fisher–Yates in place, from the last position down."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[int], k: int) -> list[int]:
        """k distinct items in the order drawn: the first k steps of a forward shuffle."""
        pool = list(items)
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]

    def weighted(self, weights: Sequence[int]) -> int:
        """An index drawn with probability weights[i] / Σ weights."""
        point = self.below(sum(weights))
        for i, weight in enumerate(weights):
            if point < weight:
                return i
            point -= weight
        raise ValueError("the weights are not positive")
