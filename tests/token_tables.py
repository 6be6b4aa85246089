"""The tables of a file of tokens, taken apart to be changed and put together again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

KINDS = {"offsets": "<i8", "pairs": "<i4", "sequences": "<i4", "ids": "<i4", "cut": "u1"}


@dataclass
class Tables:
    """As core/facts/training/token_file.py describes them; pairs and sequences by columns."""

    window: int
    prompts: int
    offsets: Any
    pairs: Any
    sequences: Any
    ids: Any
    cut: Any

    def counts(self) -> dict[str, int]:
        """The header's."""
        return {
            "window": self.window,
            "prompts": self.prompts,
            "responses": len(self.offsets) - 1 - self.prompts,
            "pairs": self.pairs.shape[1],
            "sequences": self.sequences.shape[1],
            "tokens": len(self.ids),
        }

    def digests(self) -> list[str]:
        """SHA-256 of each sequence, as the reference names it."""
        strings = [self.ids[a:b] for a, b in zip(self.offsets, self.offsets[1:], strict=False)]
        return [
            hashlib.sha256(
                b"".join(
                    part.astype("<i4").tobytes()
                    for part in (np.array([len(strings[p])]), strings[p], strings[self.prompts + r])
                )
            ).hexdigest()
            for p, r in self.sequences.T
        ]

    def body(self) -> bytes:
        """The file."""
        head = json.dumps({"format": "dempo-tokens-1"} | self.counts(), separators=(",", ":"))
        return b"".join([head.ljust(255).encode(), b"\n", *(getattr(self, name).tobytes() for name in KINDS)])


def tables_of(body: bytes) -> Tables:
    """The tables of a file."""
    head = json.loads(body[:256])
    strings, pairs, sequences = head["prompts"] + head["responses"], head["pairs"], head["sequences"]
    counts, place, found = (strings + 1, 6 * pairs, 2 * sequences, head["tokens"], sequences), 256, {}
    for (name, kind), count in zip(KINDS.items(), counts, strict=True):
        found[name] = np.frombuffer(body, kind, count, place).copy()
        place += found[name].nbytes
    found["pairs"], found["sequences"] = found["pairs"].reshape(6, -1), found["sequences"].reshape(2, -1)
    return Tables(head["window"], head["prompts"], **found)
