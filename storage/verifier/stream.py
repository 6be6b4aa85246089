"""Audited randomness: SHA-256 in counter mode with rejection sampling.

Block i of a stream is SHA-256(key ‖ i as 8 big-endian bytes); a block gives four 64-bit big-endian words.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
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


def seed_origin(run_seed: str, stage: str, unit: str) -> str:
    """How the seed of a unit came about, in the program's words."""
    return f"SHA-256 of the run seed {run_seed}, the stage {stage!r} and the unit {unit!r}"


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

    def many_below(self, n: int, size: int) -> list[int]:
        """What `size` calls of `below` give, in a fraction of the time."""
        limit = WORDS - WORDS % n
        found: list[int] = []
        while len(found) < size:
            found += [word % n for word in self._next_words(size - len(found)) if word < limit]
        return found

    def _next_words(self, size: int) -> list[int]:
        blocks = range(self._counter, self._counter + max(0, -(-(size - len(self._words)) // 4)))
        body = b"".join(hashlib.sha256(self._key + i.to_bytes(8, "big")).digest() for i in blocks)
        self._counter = blocks.stop
        words = [*reversed(self._words), *struct.unpack(f">{4 * len(blocks)}Q", body)]
        self._words = words[size:][::-1]
        return words[:size]

    def shuffle(self, items: list[Any]) -> None:
        """Fisher–Yates in place, from the last position down."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[int], k: int) -> list[int]:
        """k distinct items in the order drawn: the first k steps of a forward shuffle."""
        n, moved = len(items), dict[int, int]()  # only what a swap put elsewhere, so that few of many cost little
        drawn = []
        for i in range(k):
            j = i + self.below(n - i)
            drawn.append(items[moved.get(j, j)])
            moved[j] = moved.get(i, i)
        return drawn

    def weighted(self, weights: Sequence[int]) -> int:
        """An index drawn with probability weights[i] / Σ weights."""
        return self.weighted_up_to(list(accumulate(weights)))

    def weighted_up_to(self, upper: Sequence[int]) -> int:
        """The same, from the sums of the weights up to each."""
        return bisect_right(upper, self.below(upper[-1]))
