"""A trained model as it is kept: in the numbers of the model that it came from, complete, in files of at most 5 GB.

Training computes in float32 where the base model may be stored in bfloat16 (or float16). What is recorded and
answers is the trained model in the base's numbers, each tensor in those that it has there, rounded to nearest.
Only tensors whose numbers change are copied, on the CPU, one after the other: at most the final model's size in the
machine's memory, and nothing on the GPU, where the model stays as it is.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.training.models.model import save_model, weights_of

if TYPE_CHECKING:
    import torch

_KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""How safetensors and torch call the numbers that a model may be kept in."""


@dataclass(frozen=True)
class Numbers:
    """In which numbers a model is stored: those of each tensor by torch's name, those that most of it has, and how
    many numbers there are in how many bytes."""

    of: Mapping[str, str]
    most: str
    parameters: int
    size: int

    def kind(self, name: str, now: torch.dtype) -> torch.dtype:
        """The numbers that a tensor is kept in; those of integers stay."""
        import torch

        return getattr(torch, self.of.get(name, self.most)) if now.is_floating_point else now


def numbers_of(folder: Path) -> Numbers:
    """In which numbers the weights of a checkpoint are stored, from the headers of its files.

    Raises:
        InputError: weights are missing.
    """
    from safetensors import safe_open

    of: dict[str, str] = {}
    counted: Counter[str] = Counter()
    parameters = size = 0
    for path in (path for path in weights_of(folder) if path.suffix == ".safetensors"):
        size += path.stat().st_size
        with safe_open(str(path), "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                tensor = tensors.get_slice(name)
                count = math.prod(tensor.get_shape())
                parameters += count
                if (kind := _KINDS.get(tensor.get_dtype())) is not None:
                    of[name] = kind
                    counted[kind] += count
    return Numbers(of, max(counted, key=counted.__getitem__, default="float32"), parameters, size)


def save_final(model: Any, tokenizer: Any, target: Path, numbers: Numbers) -> None:
    """Writes a trained model in the numbers of its base; the model stays as it is.

    Raises:
        DempoError: not every weight was written.
        OSError: the disk is full.
    """
    save_model(model, tokenizer, target, _cast(model.state_dict(), numbers))
    _say_so(target / "config.json", numbers.most)


def _cast(state: Mapping[str, torch.Tensor], numbers: Numbers) -> dict[str, torch.Tensor]:
    """The tensors in other numbers; those that are one stay one, so that they are written once."""
    made: dict[tuple[Any, ...], torch.Tensor] = {}
    found = {}
    for name, tensor in state.items():
        kind = numbers.kind(name, tensor.dtype)
        if kind == tensor.dtype:
            found[name] = tensor
            continue
        one = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), kind)
        if one not in made:
            made[one] = tensor.to(kind).cpu()  # rounded where it lies: half of it goes over to the CPU
        found[name] = made[one]
    return found


def _say_so(settings: Path, kind: str) -> None:
    """Has the configuration name the numbers that the weights are in, and not those that they were trained in."""
    values = json.loads(settings.read_bytes())
    named = [name for name in ("dtype", "torch_dtype") if name in values] or ["dtype"]
    values |= dict.fromkeys(named, kind)
    settings.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
