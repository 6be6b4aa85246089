"""A model of the same shape as that of [train] with random weights, measured for one micro-batch of full rows.

Nothing is downloaded but a configuration, and no weights are read, so it says what training takes here before there
are data or weights.
"""

from __future__ import annotations

from typing import Any

from core.errors import InputError
from core.sections.what_trains import TrainSection
from core.training.models.model import folder_of
from core.training.models.precision import memory_guard, placement, quiet_libraries, release_memory
from core.training.models.small_files import small_file
from core.training.prediction.dimensions import dimensions_of_tiny
from core.training.prediction.memory_need import memory_need
from core.training.prediction.micro_batch import take
from core.training.prediction.model_size import ModelSize
from core.training.prediction.peak import Peak, resident
from core.training.prediction.step_time import operations


def measure(train: TrainSection, size: ModelSize) -> tuple[int, float]:
    """(bytes of memory at most, operations a second) of training, from a micro-batch whose rows fill the window.

    Raises:
        InputError: the model's configuration cannot be had.
        OutOfDeviceMemory: the micro-batch does not fit.
    """
    quiet_libraries()
    placed = placement(train)
    cuda = placed.device == "cuda"
    before = 0 if cuda else resident()
    peak = Peak(placed.device)
    try:
        with memory_guard(train, "measuring one micro-batch"):
            model = _random_model(train, placed)
            parameters = int(model.num_parameters())
            taken = take(model, _full_rows(train, size), train, placed, peak)
            del model
    finally:
        peak.close()
        release_memory()
    need = memory_need(train, parameters, size.dimensions, cuda)
    memory = max(taken.peak + need.optimizer, before + need.states)
    done = operations(taken.sequences * taken.width, taken.width, parameters, size.dimensions)
    return memory + (need.base if cuda else 0), done / max(taken.seconds, 1e-9)


def _random_model(train: TrainSection, placed: Any) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig

    if train.model == "tiny":
        tiny = dimensions_of_tiny(train.tiny)
        settings = LlamaConfig(
            vocab_size=tiny.vocabulary,
            hidden_size=tiny.hidden,
            intermediate_size=tiny.inner,
            num_hidden_layers=tiny.layers,
            num_attention_heads=tiny.heads,
            num_key_value_heads=tiny.groups,
            tie_word_embeddings=True,
        )
    else:
        path = small_file(train, folder_of(train.model, train.revision), "config.json", "train.model")
        if path is None:
            raise InputError(f"train.model {train.model!r} holds no config.json")
        settings = AutoConfig.from_pretrained(str(path.parent), trust_remote_code=False)
    with torch.random.fork_rng(devices=[0] if placed.device == "cuda" else []), torch.device(placed.device):
        return AutoModelForCausalLM.from_config(settings, dtype=placed.dtype, trust_remote_code=False)


def _full_rows(train: TrainSection, size: ModelSize) -> dict[str, Any]:
    """Rows of the window's length, whose tokens but the first are all of the response."""
    import torch

    words = size.dimensions.vocabulary if size.dimensions else 256
    shape = (2 * train.micro_batch, train.max_length)
    ids = torch.arange(shape[0] * shape[1]).reshape(shape) % words
    completion = torch.ones_like(ids)
    completion[:, 0] = 0
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "completion_mask": completion}
