"""The base model of a run: a tiny one made here, a folder, or a name on the Hugging Face hub.

`checkpoints/base` is complete in each case: weights as safetensors, configuration, and the tokenizer with
the run's chat template. Weights that exist elsewhere are linked, not copied; their hashes are recorded.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from core.chat import load_tokenizer
from core.errors import InputError
from core.training.checkpoints import saving
from core.training.precision import Placement

HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_WANTED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
]


def find_source(model: str, revision: str | None) -> Path:
    """The folder that holds the model; a hub name is downloaded, or taken from the cache when offline.

    Raises:
        InputError: neither a folder nor a hub name that can be had.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise InputError(f"train.revision applies to a hub name, but train.model {model!r} is a folder; remove it")
        return folder.resolve()
    if not HUB_NAME.match(model):
        raise InputError(f"train.model: there is no folder {model!r}, and it is no name on the Hugging Face hub")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=_WANTED))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"cannot get train.model {model!r} from the hub: {reason}; give a folder, or check the name, the "
            "network, HF_HUB_OFFLINE and HF_TOKEN"
        ) from error


def link_model(source: Path, target: Path, revision: str | None = None) -> None:
    """Fills an empty folder with links to the source's weights and configuration, and the tokenizer.

    Raises:
        InputError: the source has no configuration or no safetensors weights.
    """
    if not (source / "config.json").is_file():
        raise InputError(f"{source} holds no config.json, so it is not a Hugging Face checkpoint")
    weights = sorted(source.glob("*.safetensors"))
    if not weights:
        raise InputError(
            f"{source} holds no *.safetensors file; weights are loaded from safetensors only, "
            "so convert the checkpoint first"
        )
    index = source / "model.safetensors.index.json"
    others = [source / "config.json", source / "generation_config.json", index]
    if index.is_file():
        listed = set(json.loads(index.read_text())["weight_map"].values())
        missing = sorted(listed - {path.name for path in weights})
        if missing:
            raise InputError(f"{source} lacks {missing[0]}, which {index.name} lists")
        weights = [path for path in weights if path.name in listed]
    for path in [*weights, *others]:
        if path.is_file():
            (target / path.name).symlink_to(path.resolve())
    load_tokenizer(source).save_pretrained(target)


def save_model(model: Any, tokenizer: Any, target: Path) -> None:
    """Writes a checkpoint in Hugging Face format, weights as safetensors.

    The trainer switches the key-value cache off in the model's configuration; a checkpoint that answers
    questions needs it.
    """
    model.config.use_cache = True
    with saving(target):
        model.save_pretrained(target, safe_serialization=True)
        tokenizer.save_pretrained(target)


def load_model(folder: Path, placed: Placement) -> Any:
    """A causal language model from a checkpoint folder, on its device, in evaluation mode.

    Raises:
        InputError: the architecture is unknown, needs code from the checkpoint, or the files are broken.
    """
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=placed.dtype, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot load the model in {folder}: {reason}") from error
    return model.to(placed.device).eval()


def describe(folder: Path) -> tuple[str, int]:
    """(class, number of parameters) of a checkpoint, without loading its weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot use the model in {folder}: {reason}") from error
    return type(model).__name__, model.num_parameters()
