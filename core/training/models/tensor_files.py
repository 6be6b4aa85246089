"""The numbers of a checkpoint's tensors, read from its safetensors files a slice at a time, with numpy alone.

A file is the length of its header (8 bytes, little-endian), the header (JSON: name → dtype, shape, and where its bytes
begin and end behind the header) and the bytes. Any part of a tensor is read without the rest, bfloat16 included,
whichever libraries are installed, so that a verifier reads the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.training.models.model import header_of, weights_of

SLICE = 2**21
"""Numbers of a tensor that are in memory at once."""

_STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""How the numbers of a type lie in a file; bfloat16 is the upper half of a float32."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Stored:
    """A tensor of floating-point numbers in a file, from byte `begin` on."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int

    @property
    def numbers(self) -> int:
        """How many it holds."""
        return math.prod(self.shape)

    def slices(self) -> Iterator[Floats]:
        """Its numbers in their order as float32, at most SLICE at a time."""
        with self.path.open("rb") as stream:
            stream.seek(self.begin)
            for start in range(0, self.numbers, SLICE):
                wanted = min(SLICE, self.numbers - start)
                found = np.fromfile(stream, _STORED[self.dtype], wanted)
                if len(found) != wanted:
                    raise InputError(f"{self.path} ends before its tensors do; get the whole checkpoint")
                yield _as_float32(found, self.dtype)


def stored_tensors(folder: Path) -> dict[str, Stored | None]:
    """Every tensor of a checkpoint by its name; None stands for one that holds no floating-point numbers.

    Raises:
        InputError: a file is missing, or is no safetensors file.
    """
    found: dict[str, Stored | None] = {}
    for path in weights_of(folder):
        if path.suffix == ".safetensors":
            found |= tensors_in(path)
    return found


def tensors_in(path: Path) -> dict[str, Stored | None]:
    """Every tensor of one file by its name, as `stored_tensors`.

    Raises:
        InputError: it is no safetensors file.
    """
    try:
        return _tensors_in(path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no safetensors file that can be read: {error}") from error


def _tensors_in(path: Path) -> dict[str, Stored | None]:
    header, data = header_of(path)
    size = path.stat().st_size
    return {name: _stored(path, entry, data, size) for name, entry in header.items()}


def _stored(path: Path, entry: Mapping[str, Any], data: int, size: int) -> Stored | None:
    if entry["dtype"] not in _STORED:
        return None
    begin, end = entry["data_offsets"]
    found = Stored(path, entry["dtype"], tuple(entry["shape"]), data + begin)
    taken = found.numbers * np.dtype(_STORED[found.dtype]).itemsize
    if not 0 <= begin <= end == begin + taken <= size - data:
        raise ValueError(f"a tensor of shape {found.shape} cannot lie in its bytes {begin} to {end}")
    return found


def _as_float32(found: NDArray[Any], dtype: str) -> Floats:
    if dtype == "BF16":
        return (found.astype(np.uint32) << 16).view(np.float32)
    return found.astype(np.float32, copy=False)


def as_bfloat16(values: Floats) -> NDArray[np.uint16]:
    """The bits of the values rounded to bfloat16, to the nearest, of two as near to the even one; −0 becomes 0."""
    bits = values.view(np.uint32)
    upper = (bits >> 16) & 1
    rounded = ((bits + np.uint32(0x7FFF) + upper) >> 16).astype(np.uint16)
    kept = np.where(np.isnan(values), (bits >> 16).astype(np.uint16) | np.uint16(0x40), rounded)
    return np.where(kept == 0x8000, np.uint16(0), kept)
