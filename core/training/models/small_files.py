"""The small files of a model, its configuration and its tokenizer: of a hub name only these are fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.sections.what_trains import TrainSection
from core.training.models.model import from_hub


def small_file(train: TrainSection, folder: Path | None, name: str, named: str) -> Path | None:
    """A file of the model; None where it has none of that name."""
    if folder is None:
        return from_hub(train.model, train.revision, name, named)
    path = folder / name
    return path if path.is_file() else None


def settings_in(path: Path, named: str) -> Mapping[str, Any]:
    """The configuration of the language model; of one with several parts, that of its texts."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{named}: {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{named}: {path} is no configuration of a model")
    inner = values.get("text_config")
    return {**values, **inner} if isinstance(inner, dict) else values
