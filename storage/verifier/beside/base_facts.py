"""What is recorded of the base model against its files: how many parameters, and how many tokens its tokenizer has."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from core.facts.training.weight_files import WEIGHTS
from storage.verifier.ground.finding import broken, same
from storage.verifier.ground.record import Found

TOKENIZER = "tokenizer.json"
LARGEST_HEADER = 100_000_000
"""Bytes of the header of a safetensors file: the format allows no more."""

PACKED = ("U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64")
"""Types of numbers under which several weights may be packed into one."""


def check_base_facts(folder: Path, event: Found) -> None:
    """Files that were compared with their hashes hold at least the recorded parameters, and exactly so many tokens.

    They may hold more numbers than the model has parameters: buffers, or tied weights twice. A tiny model's does not.
    """
    values = event.values
    what = f"the model of condition {values['condition']!r}" if "condition" in values else "the base model"
    weights = [folder / name for name in values["files"] if name.endswith(".safetensors")]
    sizes = [_numbers_in(path) for path in weights]
    if weights and None not in sizes:
        held = sum(size or 0 for size in sizes)
        if values["model"] == "tiny" and WEIGHTS in values["files"]:
            same(values["parameters"], held, f"the number of parameters of {what}", event.seq)
        if values["parameters"] > held:
            told = f"{what} is said to have {values['parameters']} parameters; its files hold {held} numbers"
            raise broken(told, event.seq)
    if TOKENIZER in values["files"]:
        tokens = _tokens_in(json.loads((folder / TOKENIZER).read_bytes()))
        same(values["vocabulary"], tokens, f"the size of the vocabulary of {what}", event.seq)


def _numbers_in(path: Path) -> int | None:
    """How many numbers a safetensors file holds, by its header; None where weights may be packed into them."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header: dict[str, Any] = json.loads(stream.read(min(length, LARGEST_HEADER)))
    tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
    if any(tensor["dtype"] in PACKED for tensor in tensors):
        return None
    return sum(math.prod(tensor["shape"]) for tensor in tensors)


def _tokens_in(tokenizer: dict[str, Any]) -> int:
    """Distinct tokens of a tokenizer's file: a table of numbers, or a list of pairs; and those added to it."""
    listed = tokenizer["model"]["vocab"]
    known = set(listed if isinstance(listed, dict) else [token for token, _ in listed])
    return len(known | {token["content"] for token in tokenizer.get("added_tokens", [])})
