"""Low-rank adapters (LoRA) of a base model through peft: made, kept, and put on again.

    y = W x + (alpha / rank) · B A x       A of shape (rank, in), drawn; B of shape (out, rank), zero

W stays as it is, so with B = 0 a policy starts at its reference, the base model without an adapter. A checkpoint holds
A and B alone and names the base model as `../base`, its neighbour: a path of this machine would mean nothing elsewhere,
and nobody's file may have another model opened. Import this module only where models are opened: it loads peft.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.training.weight_files import ADAPTER, ADAPTER_SETTINGS, lacking_adapter
from core.sections.what_trains import LoraSection, TrainSection
from core.training.checkpoints import saving

BASE_MODEL = "../base"
"""How an adapter names the model that it belongs to: the run's own, from its folder."""


def lora_config(lora: LoraSection) -> Any:
    """What peft is told; nothing is dropped, so that a policy starts at its reference."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        bias="none",
        target_modules=list(lora.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )


def with_new_adapter(model: Any, lora: LoraSection) -> Any:
    """The model as it is trained under [train.lora]: with a new adapter, of which B is zero and all that is trained."""
    import torch
    from peft import get_peft_model

    with torch.random.fork_rng():
        changed = get_peft_model(model, lora_config(lora))
    changed.enable_input_require_grads()  # as the trainer does for gradient checkpointing
    return changed


def require_lora(train: TrainSection, linear: Collection[str] | None) -> None:
    """Refuses adapters that this program cannot train on a model.

    Args:
        linear: names of the model's weights, as far as they are known.

    Raises:
        InputError: a layer has no such name, or the optimizer is one for weights in bfloat16.
    """
    if train.lora is None:
        return
    if train.optimizer != TrainSection.model_fields["optimizer"].default:
        raise InputError(
            f"train.lora: adapters are kept in float32, so train.optimizer {train.optimizer!r}, which saves memory of "
            "whole models, has nothing to save; remove it"
        )
    for target in train.lora.targets if linear is not None else ():
        if not any(f".{name}".endswith(f".{target}.weight") for name in linear or ()):
            layers = sorted({name.split(".")[-2] for name in linear or () if "proj" in name or "attn" in name})
            known = f"; there are {', '.join(layers[:12])}" if layers else ""
            raise InputError(f"train.lora.targets: {train.model!r} has no layer {target!r}{known}")


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and not a whole model."""
    return (folder / ADAPTER_SETTINGS).is_file()


def has_adapter(model: Any) -> bool:
    """Whether a model in training is a base model with an adapter on it."""
    return type(model).__module__.partition(".")[0] == "peft"


def base_of(folder: Path) -> Path:
    """The folder of the model that an adapter belongs to.

    Raises:
        InputError: it is not an adapter of a run's base model.
    """
    try:
        named = json.loads((folder / ADAPTER_SETTINGS).read_bytes())["base_model_name_or_path"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{folder / ADAPTER_SETTINGS} cannot be read: {error}") from error
    if named != BASE_MODEL:
        raise InputError(
            f"{folder} holds an adapter of {str(named)[:80]!r}; an adapter is opened beside the base model of its run "
            f"({BASE_MODEL!r}) alone, so merge it into its model and save that"
        )
    return folder.parent / Path(BASE_MODEL).name


def put_on(model: Any, folder: Path) -> Any:
    """The base model, which now computes with the adapter in a folder; its own weights stay as they are.

    Raises:
        InputError: the files are no adapter of this model.
    """
    from peft import PeftModel

    lacking = lacking_adapter({path.name for path in folder.iterdir()})
    if lacking is not None:
        raise InputError(f"{folder} lacks {lacking}; get the whole checkpoint")
    try:
        return PeftModel.from_pretrained(model, str(folder)).get_base_model()
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise InputError(f"cannot use the adapter in {folder}: {str(error).strip().splitlines()[0]}") from error


def save_adapter(model: Any, tokenizer: Any, target: Path) -> None:
    """Writes the adapter of a model, and the tokenizer."""
    with saving(target):
        model.save_pretrained(target, safe_serialization=True)
        tokenizer.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)  # a card of a model for the hub, with a path of this machine
    settings = target / ADAPTER_SETTINGS
    values = json.loads(settings.read_bytes()) | {"base_model_name_or_path": BASE_MODEL}
    settings.write_text(json.dumps(_in_order(values), indent=2) + "\n", encoding="utf-8")


def numbers_in(folder: Path) -> int:
    """How many numbers an adapter's file holds."""
    import math

    from safetensors import safe_open

    with safe_open(str(folder / ADAPTER), "pt") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    """peft keeps names of layers in a set, whose order is another one in every process."""
    return {
        name: sorted(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else value
        for name, value in sorted(values.items())
    }
