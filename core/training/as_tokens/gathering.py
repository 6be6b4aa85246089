"""Token strings are put aside as they are made, and numbered once all of them are known.

They go to a file without a name, one behind the other, and what stays in memory of each is its length and a hash of
128 bits. By these equal strings are found at the end, wherever among the pairs they were made. A string that is made
again for the next pair is noticed at once and not written a second time.
"""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from core.facts.training.token_file import CUT_CONTEXT, CUT_RESPONSE
from core.training.as_tokens.tokens import Ids, Pairs, Tokens, TokenStrings, as_fitted

_HASH_BYTES = 16


class Gathered:
    """The sequences of pairs, pair by pair in ascending order.

    Args:
        beside: folder for the tokens, None for the machine's own of temporary files.
    """

    def __init__(self, beside: Path | None) -> None:
        self._prompts, self._responses = _Strings(beside), _Strings(beside)
        self._made = array("i")
        self._cut = array("B")

    def add(self, prompt: Ids, responses: Sequence[Ids], *, cut_prompt: bool, cut_responses: Sequence[bool]) -> None:
        """Adds the next pair: its prompt, its two responses, and which of them were cut."""
        self._made.append(self._prompts.add(prompt))
        self._made.extend([self._responses.add(response) for response in responses])
        self._cut.extend([CUT_CONTEXT * cut_prompt | CUT_RESPONSE * cut for cut in cut_responses])

    def forget(self) -> None:
        """Strings of the pairs so far are not looked for among the next ones."""
        self._prompts.forget()
        self._responses.forget()

    def tokens(self, pairs: Pairs, window: int) -> Tokens:
        """The pairs with distinct strings, numbered in the order in which the pairs first need them."""
        prompts, number_of_prompt = self._prompts.distinct()
        responses, number_of_response = self._responses.distinct()
        made = np.frombuffer(self._made, dtype=np.int32).reshape(-1, 3)
        columns = [*pairs.T, number_of_prompt[made[:, 0]], *(number_of_response[made[:, i]] for i in (1, 2))]
        cut = np.frombuffer(self._cut, dtype=np.uint8).reshape(-1, 2)
        return as_fitted(prompts, responses, np.stack(columns).astype(np.int32), cut.T, window)

    def __enter__(self) -> Gathered:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._prompts.close()
        self._responses.close()


class _Strings:
    """Token strings in the order in which they were made, equal ones among them."""

    def __init__(self, beside: Path | None) -> None:
        self._stream = cast(BinaryIO, tempfile.TemporaryFile(dir=beside))  # noqa: SIM115 - `close` does
        self._lengths = array("i")
        self._hashes = bytearray()
        self._recent: dict[bytes, int] = {}

    def add(self, ids: Ids) -> int:
        """The place of a string in that order."""
        body = ids.tobytes()
        place = self._recent.setdefault(body, len(self._lengths))
        if place == len(self._lengths):
            self._stream.write(body)
            self._lengths.append(len(ids))
            self._hashes += hashlib.blake2b(body, digest_size=_HASH_BYTES).digest()
        return place

    def forget(self) -> None:
        self._recent.clear()

    def close(self) -> None:
        """The file goes with the last array that looks into it."""
        self._stream.close()

    def distinct(self) -> tuple[TokenStrings, NDArray[np.int32]]:
        """The distinct strings in the order in which each was first made; and the number of each that was made."""
        self._stream.flush()
        lengths = np.frombuffer(self._lengths, dtype=np.int32).astype(np.int64)
        first = _first_of_equal(np.frombuffer(self._hashes, dtype=np.uint64).reshape(-1, 2))
        kept = np.unique(first)
        strings = TokenStrings(_mapped(self._stream), (np.cumsum(lengths) - lengths)[kept], lengths[kept])
        return strings, np.searchsorted(kept, first).astype(np.int32)


def _first_of_equal(rows: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Of each row the first one that equals it; shape (n, 2) gives (n,)."""
    order = np.lexsort(rows.T)  # keeps the order of equal rows
    ordered = rows[order]
    begins = np.ones(len(rows), dtype=np.bool_)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(rows), dtype=np.int64)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first


def _mapped(stream: BinaryIO) -> Ids:
    """The numbers in a file, read where they lie; no file of no bytes can be."""
    if stream.tell() == 0:
        return np.empty(0, dtype=np.int32)
    return np.asarray(np.memmap(stream, dtype=np.int32, mode="r"))
