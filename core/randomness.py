"""Audited randomness: SHA-256 in counter mode with rejection sampling.

NumPy's and Python's generators may change between versions; this one can be re-derived with the
standard library alone. Block i of a stream is SHA-256(key ‖ i as 8 big-endian bytes), where key is
SHA-256 over the length-prefixed domain, seed and path. A block gives four 64-bit big-endian words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableSequence, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

DOMAIN = "dempo-random-1"
KEY_BYTES = 32
_WORD = 2**64

T = TypeVar("T")


def derive_key(seed: int | bytes, path: Sequence[str]) -> bytes:
    """32 bytes that stand for (seed, path); different paths never collide by concatenation.

    In the place of a seed (its decimal digits) there may be the 32 bytes of another stream's key.
    """
    digest = hashlib.sha256()
    root = seed if isinstance(seed, bytes) else str(seed).encode()
    for encoded in (DOMAIN.encode(), root, *(part.encode() for part in path)):
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


def derive_seed(seed: int, *path: str) -> int:
    """A 63-bit seed for generators that are not audited (torch), fixed by the run seed and a path."""
    return int.from_bytes(derive_key(seed, path)[:8], "big") >> 1


class RandomStream:
    """A stream of random numbers, fixed by a run seed (or a key) and a path such as ("draw", "main")."""

    def __init__(self, seed: int | bytes, *path: str) -> None:
        self.seed = seed
        self.path = path
        self._key = derive_key(seed, path)
        self._counter = 0
        self._words: Iterator[int] = iter(())

    @classmethod
    def from_key(cls, key: bytes) -> RandomStream:
        """The stream with this very key, such as one that the record holds; its children lie below the key.

        Raises:
            ValueError: the key does not have 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a stream has {KEY_BYTES} bytes, not {len(key)}")
        stream = cls(key)
        stream._key = key
        return stream

    @property
    def key(self) -> bytes:
        """The 32 bytes that fix the stream."""
        return self._key

    def child(self, *path: str) -> RandomStream:
        """An independent stream below this one's path."""
        return RandomStream(self.seed, *self.path, *path)

    def _block(self) -> bytes:
        block = hashlib.sha256(self._key + self._counter.to_bytes(8, "big")).digest()
        self._counter += 1
        return block

    def word(self) -> int:
        """The next 64 random bits as an integer."""
        for value in self._words:
            return value
        block = self._block()
        self._words = iter([int.from_bytes(block[i : i + 8], "big") for i in (0, 8, 16, 24)])
        return next(self._words)

    def below(self, n: int) -> int:
        """A uniform integer in [0, n), 1 ≤ n ≤ 2^64; words at or above the largest multiple of n are skipped."""
        if not 1 <= n <= _WORD:
            raise ValueError(f"below({n}): n must be between 1 and 2^64")
        limit = _WORD - _WORD % n
        while True:
            value = self.word()
            if value < limit:
                return value % n

    def integers(self, n: int, size: int) -> NDArray[np.int64]:
        """`size` uniform integers in [0, n), the same values as `size` calls of `below`. Shape (size,)."""
        if not 1 <= n <= 2**62:
            raise ValueError(f"integers({n}, …): n must be between 1 and 2^62")
        largest = (_WORD - _WORD % n) - 1
        found: list[NDArray[np.int64]] = []
        missing = size
        while missing > 0:
            words = self._bulk(missing)
            kept = words[words <= np.uint64(largest)]
            found.append((kept % np.uint64(n)).astype(np.int64))
            missing -= len(kept)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def _bulk(self, size: int) -> NDArray[np.uint64]:
        head = [value for _, value in zip(range(size), self._words, strict=False)]
        counters = range(self._counter, self._counter - (-(size - len(head)) // 4))
        blocks = [hashlib.sha256(self._key + counter.to_bytes(8, "big")).digest() for counter in counters]
        self._counter = counters.stop
        body = np.frombuffer(b"".join(blocks), dtype=">u8").astype(np.uint64)
        wanted = size - len(head)
        self._words = iter([*map(int, body[wanted:]), *self._words])
        return np.concatenate([np.array(head, dtype=np.uint64), body[:wanted]])

    def uniform(self) -> float:
        """A uniform float in [0, 1) with 53 random bits."""
        return (self.word() >> 11) / 2**53

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Fisher–Yates in place, from the last position down."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """k distinct items, uniformly, in the order drawn (the first k steps of a forward shuffle)."""
        if not 0 <= k <= len(items):
            raise ValueError(f"cannot take {k} of {len(items)} items")
        pool = list(items)
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]

    def weighted(self, weights: Sequence[int]) -> int:
        """An index drawn with probability weights[i] / Σ weights; the weights are integers."""
        point = self.below(sum(weights))
        for i, weight in enumerate(weights):
            if point < weight:
                return i
            point -= weight
        raise AssertionError("unreachable: the point lies below the sum of the weights")
