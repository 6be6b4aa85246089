"""Opening a model to generate from: one in memory at a time, freed before the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError, OutOfDeviceMemory
from core.sections.what_trains import TrainSection

if TYPE_CHECKING:
    import torch

    from core.training.models.precision import Placement


@dataclass
class LocalModel:
    """A causal language model on its device, its tokenizer, and the context it was made for (0: not known)."""

    model: Any
    tokenizer: Any
    placed: Placement
    context: int

    def padded(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and attention mask, padded on the left, each of shape (B, T)."""
        import torch

        width = max(len(prompt) for prompt in prompts)
        pad = self.tokenizer.pad_token_id
        ids = [[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return (
            torch.tensor(ids, dtype=torch.long, device=self.placed.device),
            torch.tensor(mask, dtype=torch.long, device=self.placed.device),
        )

    def require_room(self, tokens: int, what: str) -> str:
        """A note where `tokens` exceed the model's context; empty where they fit.

        Rotary positions go on beyond the context, so such a model still answers, if perhaps worse.

        Raises:
            InputError: the model has a learned position for every token of its context and none beyond.
        """
        if not self.context or tokens <= self.context:
            return ""
        settings = self.model.config
        rotary = getattr(settings, "rope_parameters", None) or getattr(settings, "rope_theta", None)
        if not rotary:
            raise InputError(f"{what} needs {tokens} tokens, and the model's context holds {self.context}")
        return f"{tokens} tokens, beyond the model's context of {self.context}"


@contextlib.contextmanager
def opened(folder: Path, train: TrainSection | None, numbers: str | None = None) -> Iterator[LocalModel]:
    """Loads a checkpoint folder on the device of [train] and frees it at the end.

    It is asked under the chat template that the folder carries: a model of the run under the one that it was trained
    with, any other under its own; under the plain one where there is none.

    Args:
        numbers: in which the model was trained; None leaves them to [train].


    Raises:
        InputError: the folder holds no model that can be used, or the device is not there.
    """
    from core.chat import load_tokenizer
    from core.training.models.model import load_model
    from core.training.models.precision import memory_guard, placement, quiet_libraries, release_memory

    section = train or TrainSection(model=str(folder))
    quiet_libraries()
    placed = placement(section, numbers)
    tokenizer = load_tokenizer(folder)
    with memory_guard(section, f"loading {folder.name}"):
        model = load_model(folder, placed)
    opened_model = LocalModel(
        model=model,
        tokenizer=tokenizer,
        placed=placed,
        context=int(getattr(model.config, "max_position_embeddings", 0) or 0),
    )
    try:
        yield opened_model
    finally:
        opened_model.model = None  # whoever asked may keep the rest of it, and the next model needs the memory
        del model
        release_memory()


@contextlib.contextmanager
def enough_memory(doing: str, batch: int) -> Iterator[None]:
    """Turns a failed allocation while generating into advice.

    Raises:
        OutOfDeviceMemory: the device's memory was exhausted.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            f"the device ran out of memory while {doing}; clone the run and set answer.batch below {batch} "
            "or answer.max_tokens lower"
        ) from error
