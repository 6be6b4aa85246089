"""The tensors that a model computes with, read slice by slice: those of its files, or a base's with an adapter on it.

    W' = W + (alpha / rank) · B A         A of shape (rank, in), B of (out, rank), W and W' of (out, in)

The product is worked out in float64 and added in float32. Numpy alone, as the files themselves are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.facts.training.weight_files import ADAPTER, ADAPTER_SETTINGS
from core.training.models.adapters import base_of, is_adapter
from core.training.models.tensor_files import Floats, Stored, stored_tensors, tensors_in

_ABOVE, _A, _B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
"""How peft calls the two factors of a layer, around the layer's own name."""


@dataclass(frozen=True)
class Adapted:
    """A tensor of a base model with an adapter on it; b is scaled."""

    stored: Stored
    a: NDArray[np.float64]
    b: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, ...]:
        """As of the base's."""
        return self.stored.shape

    @property
    def numbers(self) -> int:
        """How many it holds."""
        return self.stored.numbers

    def slices(self) -> Iterator[Floats]:
        """Its numbers in their order as float32, as many at a time as of the base's."""
        start, width = 0, self.shape[1]
        for part in self.stored.slices():
            first, last = start // width, -(-(start + len(part)) // width)
            product = (self.b[first:last] @ self.a).ravel()
            begin = start - first * width
            yield part + product[begin : begin + len(part)].astype(np.float32)
            start += len(part)


AnyTensor = Stored | Adapted


def tensors_of(folder: Path) -> dict[str, AnyTensor | None]:
    """Every tensor that a checkpoint computes with, by its name; None for one without floating-point numbers.

    Raises:
        InputError: a file is missing or cannot be read, or an adapter is none of its base.
    """
    if not is_adapter(folder):
        return dict(stored_tensors(folder))
    found: dict[str, AnyTensor | None] = dict(stored_tensors(base_of(folder)))
    scale, factors = _scale(folder), tensors_in(folder / ADAPTER)
    for name in sorted(factors):
        if not name.endswith(_A):
            continue
        layer = name.removeprefix(_ABOVE).removesuffix(_A) + ".weight"
        one, other, base = factors[name], factors.get(name.removesuffix(_A) + _B), found.get(layer)
        if one is None or other is None or not isinstance(base, Stored) or base.shape != (other.shape[0], one.shape[1]):
            raise InputError(f"{folder / ADAPTER} holds an adapter for {layer[:80]!r}, which its base model has not")
        found[layer] = Adapted(base, _whole(one), scale * _whole(other))
    return found


def _scale(folder: Path) -> float:
    try:
        values = json.loads((folder / ADAPTER_SETTINGS).read_bytes())
        return float(values["lora_alpha"]) / float(values["r"])
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise InputError(f"{folder / ADAPTER_SETTINGS} cannot be read: {error}") from error


def _whole(stored: Stored) -> NDArray[np.float64]:
    """All numbers of a tensor; those of adapters are few."""
    return np.concatenate(list(stored.slices())).astype(np.float64).reshape(stored.shape)
