"""The base model of a run: a tiny one made here, a folder, or a name on the Hugging Face hub.

`checkpoints/base` is complete in each case: weights as safetensors, configuration, and the tokenizer with
its chat template. Weights that exist elsewhere are linked, not copied; their hashes are recorded.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import DempoError, InputError
from core.facts.training.chat_templates import TEMPLATE_FILE
from core.facts.training.weight_files import WEIGHTS, WEIGHTS_INDEX, lacking_adapter, lacking_weights, shards_of
from core.sections.what_trains import TrainSection
from core.training.checkpoints import saving
from core.training.disk_need import SHARD
from core.training.models.adapters import base_of, has_adapter, is_adapter, numbers_in, put_on
from core.training.models.precision import Placement

HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")
_LARGEST_HEADER = 10**8
"""Bytes; safetensors itself reads no larger one."""
_WANTED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    TEMPLATE_FILE,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
]


def find_source(model: str, revision: str | None, named: str = "train.model") -> Path:
    """The folder that holds the model; a hub name is downloaded, or taken from the cache when offline.

    Raises:
        InputError: neither a folder nor a hub name that can be had.
    """
    folder = folder_of(model, revision, named)
    if folder is not None:
        return folder
    from huggingface_hub import snapshot_download

    with _from_hub(model, named):
        return Path(snapshot_download(model, revision=revision, allow_patterns=_WANTED))


def folder_of(model: str, revision: str | None, named: str = "train.model") -> Path | None:
    """The folder that `train.model`, or another setting that sentences call so, names; None for a name on the hub.

    Raises:
        InputError: it is neither.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise InputError(f"train.revision applies to a hub name, but train.model {model!r} is a folder; remove it")
        return folder.resolve()
    if not HUB_NAME.match(model):
        raise InputError(f"{named}: there is no folder {model!r}, and it is no name on the Hugging Face hub")
    return None


def from_hub(model: str, revision: str | None, name: str, named: str = "train.model") -> Path | None:
    """One file of a model on the hub, or of the cache when offline; None where the model has no such file.

    Raises:
        InputError: the model cannot be had.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    with _from_hub(model, named):
        try:
            return Path(hf_hub_download(model, name, revision=revision))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            return None


@contextmanager
def _from_hub(model: str, named: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"cannot get {named} {model!r} from the hub: {reason}; give a folder, or check the name, the "
            "network, HF_HUB_OFFLINE and HF_TOKEN"
        ) from error


def require_fit(
    train: TrainSection, tokens: int | None, rows: int | None, positions: int | None, named: str = "train.model"
) -> None:
    """Refuses a model that its own tokenizer, or the window of the training, is too large for.

    Args:
        tokens: of the tokenizer, one more than the largest id; rows: of the embeddings; None: not known.

    Raises:
        InputError: says which, or both.
    """
    told = []
    if tokens is not None and rows is not None and tokens > rows:
        told.append(
            f"{named} {train.model!r}: its tokenizer has {tokens} tokens and the model embeddings for {rows}; take "
            "the tokenizer that the model was made with, or resize its embeddings and save it again"
        )
    if positions is not None and train.max_length > positions:
        told.append(
            f"train.max_length ({train.max_length}) is more than the {positions} positions of {train.model!r}; "
            f"set it to {positions} or less"
        )
    if told:
        raise InputError("; ".join(told))


def link_model(source: Path, target: Path) -> None:
    """Fills an empty folder with links to the source's weights and configuration; the tokenizer is saved beside them.

    Raises:
        InputError: the source has no configuration or no safetensors weights.
    """
    if not (source / "config.json").is_file():
        raise InputError(f"{source} holds no config.json, so it is not a Hugging Face checkpoint")
    for path in [*weights_of(source), source / "config.json", source / "generation_config.json"]:
        if path.is_file():
            (target / path.name).symlink_to(path.resolve())


def weights_of(folder: Path) -> list[Path]:
    """The files that hold the weights of a checkpoint, its index among them.

    Raises:
        InputError: some are missing.
    """
    names = {path.name for path in folder.iterdir()}
    shards = _listed(folder)
    lacking = lacking_weights(names, shards)
    if lacking is None:
        return [folder / WEIGHTS] if WEIGHTS in names else [folder / name for name in sorted({*shards, WEIGHTS_INDEX})]
    if not any(name.endswith(".safetensors") for name in names):
        raise InputError(
            f"{folder} holds no *.safetensors file; weights are loaded from safetensors only, "
            "so convert the checkpoint first"
        )
    told = f", which {WEIGHTS_INDEX} lists" if lacking in shards else ""
    raise InputError(f"{folder} lacks {lacking}{told}; get the whole checkpoint")


def names_of_weights(folder: Path) -> set[str]:
    """The names of all weights of a checkpoint, from its index or the heads of its files; loads no torch.

    Raises:
        InputError: a file is broken.
    """
    found: set[str] = set()
    for path in weights_of(folder):
        if path.suffix == ".safetensors":
            found |= header_of(path)[0].keys()
    return found


def header_of(path: Path) -> tuple[dict[str, Any], int]:
    """What a file of weights says of its tensors, by name: `{"dtype", "shape", "data_offsets"}`; and where the bytes
    begin that the offsets count from.

    Raises:
        InputError: it is no file of weights.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            values = json.loads(stream.read(length)) if length <= min(_LARGEST_HEADER, size) else None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no safetensors file that can be read: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is no safetensors file that can be read")
    return {name: entry for name, entry in values.items() if name != "__metadata__"}, 8 + length


def _listed(folder: Path) -> set[str]:
    """The shards that a folder's index names; none without an index."""
    index = folder / WEIGHTS_INDEX
    try:
        return shards_of(index.read_bytes()) if index.is_file() else set()
    except ValueError as error:
        raise InputError(f"{index} cannot be read: {error}") from error


def save_model(model: Any, tokenizer: Any, target: Path, tensors: Mapping[str, Any] | None = None) -> None:
    """Writes a checkpoint in Hugging Face format, weights as safetensors.

    The trainer switches the key-value cache off in the model's configuration; a checkpoint that answers
    questions needs it.

    Args:
        tensors: the weights by their names, as they are to be written; None: as they are.
    """
    model.config.use_cache = True
    with saving(target):
        model.save_pretrained(
            target, state_dict=None if tensors is None else dict(tensors), safe_serialization=True, max_shard_size=SHARD
        )
        tokenizer.save_pretrained(target)
    require_weights(target, model)


def require_weights(folder: Path, model: Any) -> None:
    """Refuses a checkpoint that was just written and does not hold every trained weight of the model once.

    Raises:
        DempoError: a file is missing, or the files hold fewer weights than the model has, or some of them twice.
    """
    from safetensors import safe_open

    told = f"the weights in {folder} are not complete, so this is no checkpoint"
    wanted = model.num_parameters(only_trainable=True) or model.num_parameters()
    if has_adapter(model):
        lacking = lacking_adapter({path.name for path in folder.iterdir()})
        written = 0 if lacking else numbers_in(folder)
        if written != wanted:
            raise DempoError(f"{told}: {written} of {wanted} numbers were written; free some space and resume")
        return
    lacking = lacking_weights({path.name for path in folder.iterdir()}, _listed(folder))
    if lacking is not None:
        raise DempoError(f"{told}: {lacking} was not written; resume the run in one process, without a launcher")
    written, names = 0, Counter[str]()
    for path in weights_of(folder):
        if path.suffix == ".safetensors":
            with safe_open(str(path), "pt") as tensors:
                names.update(tensors.keys())
                written += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    if written < wanted:
        raise DempoError(f"{told}: {written} of {wanted} numbers were written; free some space and resume")
    most = sum({one.data_ptr(): one.numel() for one in model.state_dict().values()}.values())
    twice = [name for name, times in names.items() if times > 1]
    if twice or written > most:
        which = f" ({twice[0]})" if twice else ""
        raise DempoError(
            f"{told}: {written} numbers were written of a model of {most}, so some of them twice{which}; the libraries "
            "do not know which of its weights are tied"
        )


def load_model(folder: Path, placed: Placement) -> Any:
    """A causal language model from a checkpoint folder, on its device, in evaluation mode; an adapter with its base.

    Raises:
        InputError: the architecture is unknown, needs code from the checkpoint, or the files are broken.
    """
    from transformers import AutoModelForCausalLM

    if is_adapter(folder):
        return put_on(load_model(base_of(folder), placed), folder).eval()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=placed.dtype, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot load the model in {folder}: {reason}") from error
    return model.to(placed.device).eval()


_POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
"""How configurations call the number of positions; most have the first name."""


def positions_in(settings: Mapping[str, Any]) -> int | None:
    """The number of positions that a model's configuration states; None where it has no limit."""
    return next((settings[name] for name in _POSITIONS if isinstance(settings.get(name), int)), None)


@dataclass(frozen=True)
class Shape:
    """A model without its weights: class, parameters, rows of the embeddings, and positions where it has a limit."""

    architecture: str
    parameters: int
    rows: int
    positions: int | None


def shape_of(folder: Path) -> Shape:
    """The shape of a checkpoint, without loading its weights.

    Raises:
        InputError: the architecture is unknown or needs code from the checkpoint.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"cannot use the model in {folder}: {reason}") from error
    return Shape(
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        rows=model.get_input_embeddings().weight.shape[0],
        positions=positions_in(model.config.get_text_config().to_dict()),
    )
