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


@dataclass(frozen=True)
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
def opened(
    folder: Path, train: TrainSection | None, own_template: bool = False, numbers: str | None = None
) -> Iterator[LocalModel]:
    """Loads a checkpoint folder on the device of [train] and frees it at the end.

    Args:
        numbers: in which the model was trained; None leaves them to [train].
        own_template: keep the chat template that the folder brings; without one, the run's is installed.

    Raises:
        InputError: the folder holds no model that can be used, or the device is not there.
    """
    from core.chat import load_tokenizer
    from core.training.models.model import load_model
    from core.training.models.precision import memory_guard, placement, quiet_libraries, release_memory

    section = train or TrainSection(model=str(folder))
    quiet_libraries()
    placed = placement(section, numbers)
    tokenizer = _own_tokenizer(folder) if own_template else None
    with memory_guard(section, f"loading {folder.name}"):
        model = load_model(folder, placed)
    opened_model = LocalModel(
        model=model,
        tokenizer=tokenizer or load_tokenizer(folder),
        placed=placed,
        context=int(getattr(model.config, "max_position_embeddings", 0) or 0),
    )
    try:
        yield opened_model
    finally:
        del opened_model, model
        release_memory()


def _own_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer with its own chat template; None where it has none."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the tokenizer in {folder}: {error}") from error
    if tokenizer.chat_template is None:
        return None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
