"""Audited randomness: SHA-256 in counter mode with rejection sampling.

NumPy's and Python's generators may change between versions; this one can be re-derived with the
standard library alone. Block i of a stream is SHA-256(key ‖ i as 8 big-endian bytes), where key is
SHA-256 over the length-prefixed domain, seed and path. A block gives four 64-bit big-endian words.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterator, MutableSequence, Sequence
from itertools import accumulate
from typing import TypeVar

RANDOM_DOMAIN = "dempo-random-1"
KEY_BYTES = 32
WORDS = 2**64

T = TypeVar("T")


def derive_key(seed: int | str | bytes, *path: str) -> bytes:
    """32 bytes that stand for (seed, path); different paths never collide by concatenation.

    In the place of a seed (its decimal digits) there may be the 32 bytes of another stream's key.
    """
    digest = hashlib.sha256()
    root = seed if isinstance(seed, bytes) else str(seed).encode()
    for encoded in (RANDOM_DOMAIN.encode(), root, *(part.encode() for part in path)):
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


def derive_seed(seed: int | str, *path: str) -> int:
    """A 63-bit seed for generators that are not audited (torch), fixed by the run seed and a path."""
    return int.from_bytes(derive_key(seed, *path)[:8], "big") >> 1


class RandomStream:
    """A stream of random numbers, fixed by a run seed (or a key) and a path such as ("draw", "main")."""

    def __init__(self, seed: int | str | bytes, *path: str) -> None:
        self.seed = seed
        self.path = path
        self._key = derive_key(seed, *path)
        self._counter = 0
        self._left = b""

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

    def take(self, words: int) -> bytes:
        """The next words as they come, 8 big-endian bytes each."""
        size = 8 * words
        blocks = range(self._counter, self._counter + max(0, -(-(size - len(self._left)) // 32)))
        body = self._left + b"".join(self._blocks(blocks))
        self._counter = blocks.stop
        self._left = body[size:]
        return body[:size]

    def _blocks(self, numbers: range) -> Iterator[bytes]:
        """SHA-256 over the key and each number; the key is taken in once, which saves an eighth of the time."""
        keyed = hashlib.sha256(self._key)
        for number in numbers:
            block = keyed.copy()
            block.update(number.to_bytes(8, "big"))
            yield block.digest()

    def word(self) -> int:
        """The next 64 random bits as an integer."""
        return int.from_bytes(self.take(1), "big")

    def below(self, n: int) -> int:
        """A uniform integer in [0, n), 1 ≤ n ≤ 2^64; words at or above the largest multiple of n are skipped."""
        if not 1 <= n <= WORDS:
            raise ValueError(f"below({n}): n must be between 1 and 2^64")
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
            missing = size - len(found)
            found += [word % n for word in struct.unpack(f">{missing}Q", self.take(missing)) if word < limit]
        return found

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
        moved: dict[int, int] = {}  # only what a swap put elsewhere, so that few of many cost little
        drawn = []
        for i in range(k):
            j = i + self.below(len(items) - i)
            drawn.append(items[moved.get(j, j)])
            moved[j] = moved.get(i, i)
        return drawn

    def weighted(self, weights: Sequence[int]) -> int:
        """An index drawn with probability weights[i] / Σ weights; the weights are integers."""
        return self.weighted_up_to(list(accumulate(weights)))

    def weighted_up_to(self, upper: Sequence[int]) -> int:
        """The same, from the sums of the weights up to each."""
        return bisect_right(upper, self.below(upper[-1]))
