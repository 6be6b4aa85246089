"""A tiny Llama with random weights, large enough that what it writes varies from prompt to prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.sections.what_trains import TinySection, TrainSection

TRAIN = TrainSection(model="tiny", device="cpu", threads=1)
TEXTS = ["User: how are you today?\nAssistant: I am fine, thank you. The weather is nice and the bread is good."] * 3


def save_random_llama(folder: Path, seed: int = 1, vocabulary: int = 400, positions: int = 512) -> Path:
    """Writes a checkpoint folder with tokenizer and template."""
    import torch

    from core.training.models.model import save_model
    from core.training.models.tiny import make_model, train_tokenizer

    torch.set_num_threads(1)
    tokenizer = train_tokenizer(TEXTS, vocabulary)
    model: Any = make_model(TinySection(hidden=32, layers=2, heads=2), tokenizer, positions, seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    save_model(model, tokenizer, folder)
    return folder
