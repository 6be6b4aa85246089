"""Random integers as arrays, from the audited stream."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import WORDS, RandomStream


def integers(stream: RandomStream, n: int, size: int) -> NDArray[np.int64]:
    """`size` uniform integers in [0, n), the same values as `size` calls of `below`. Shape (size,)."""
    if not 1 <= n <= 2**62:
        raise ValueError(f"integers({n}, …): n must be between 1 and 2^62")
    largest = (WORDS - WORDS % n) - 1
    found: list[NDArray[np.int64]] = []
    missing = size
    while missing > 0:
        words = np.frombuffer(stream.take(missing), dtype=">u8").astype(np.uint64)
        kept = words[words <= np.uint64(largest)]
        found.append((kept % np.uint64(n)).astype(np.int64))
        missing -= len(kept)
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
