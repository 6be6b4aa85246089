"""Which files of a checkpoint hold its weights, and whether all of them are there.

A checkpoint is complete with `model.safetensors`, or with an index and every shard that the index names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-[0-9]{5}-of-([0-9]{5})\.safetensors")


def lacking_weights(names: Collection[str], listed: Collection[str] = ()) -> str | None:
    """The first file that a checkpoint lacks for its weights to be complete; None where it lacks none.

    Args:
        names: its files.
        listed: the shards that its index names. Where they are not known, the names of shards that are there
            say how many there should be.
    """
    if WEIGHTS in names:
        return None
    if WEIGHTS_INDEX not in names:
        return WEIGHTS
    wanted = set(listed)
    totals = [found[1] for found in map(_SHARD.fullmatch, names) if found]
    if totals:
        wanted |= {f"model-{i:05d}-of-{max(totals)}.safetensors" for i in range(1, int(max(totals)) + 1)}
    if not wanted and not any(name.endswith(".safetensors") for name in names):
        return "every shard of its weights"
    return min(wanted - set(names), default=None)


def shards_of(index: str | bytes) -> set[str]:
    """The shards that an index names.

    Raises:
        ValueError: it is no index of weights.
    """
    values: Any = json.loads(index)
    placed = values.get("weight_map") if isinstance(values, dict) else None
    if not isinstance(placed, dict) or not all(isinstance(name, str) for name in placed.values()):
        raise ValueError(f"{WEIGHTS_INDEX} holds no table weight_map of file names")
    return set(placed.values())


ADAPTER = "adapter_model.safetensors"
ADAPTER_SETTINGS = "adapter_config.json"
"""The two files of a checkpoint that is an adapter (LoRA) of the run's base model: it holds no other weights."""


def lacking_adapter(names: Collection[str]) -> str | None:
    """The first file that a checkpoint lacks to be an adapter; None where it lacks none."""
    return next((name for name in (ADAPTER, ADAPTER_SETTINGS) if name not in names), None)
