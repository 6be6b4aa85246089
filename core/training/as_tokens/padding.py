"""Sequences of tokens as tensors of one width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def padded(
    sequences: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]], pad: int, width: int | None = None
) -> dict[str, torch.Tensor]:
    """Sequences as tensors of shape (B, width), int64, padded right; completion_mask is 1 on response tokens.

    Args:
        width: columns T; those of the longest sequence unless stated.
    """
    import torch

    shape = (len(sequences), width or max(len(prompt) + len(response) for prompt, response in sequences))
    ids = np.full(shape, pad, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    completion = np.zeros(shape, dtype=np.int64)
    for i, (prompt, response) in enumerate(sequences):
        start, end = len(prompt), len(prompt) + len(response)
        ids[i, :start] = prompt
        ids[i, start:end] = response
        attention[i, :end] = 1
        completion[i, start:end] = 1
    arrays = {"input_ids": ids, "attention_mask": attention, "completion_mask": completion}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
