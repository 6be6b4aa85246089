"""What [[conditions]] and [train] ask for and cannot have, found before a run is created. Loads no torch.

A model is looked at by its small files alone, its configuration and its tokenizer; of a hub name these two are
fetched. What they don't tell is found when the stage `model` opens the model, before anything is scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import DempoError, InputError
from core.sections.what_trains import TrainSection
from core.training.models.model import folder_of, from_hub, positions_in, require_fit, weights_of
from core.training.models.optimizers import require_optimizer
from core.training.models.tiny import require_heads
from core.training.planning.conditions import require_name
from core.training.planning.weights import require_options
from core.training.steps_match import check_steps_match


def check_training(config: RunConfig, trained: bool) -> Iterator[DempoError]:
    """Every reason why the conditions of a configuration cannot be planned, or trained on this machine.

    Args:
        trained: whether the run goes on to the model and the training.
    """
    if not config.conditions or (config.has_base and config.train is None):
        return
    checks: list[Callable[[], object]] = []
    for condition in config.conditions:
        checks += [partial(require_name, condition), partial(require_options, condition)]
    yield from check_steps_match(config)
    if trained and config.train is not None and config.has_base:
        checks += [partial(require_optimizer, config.train.optimizer), partial(check_model, config.train)]
    for check in checks:
        try:
            check()
        except DempoError as error:
            yield error


def check_model(train: TrainSection, named: str = "train.model") -> None:
    """Refuses a model that cannot be found or used, as far as its small files tell; `named` is what sentences call it.

    Raises:
        InputError: says why.
    """
    if train.model == "tiny":
        require_heads(train.tiny)
        return
    folder = folder_of(train.model, train.revision, named)
    if folder is not None:
        weights_of(folder)
    path = _small_file(train, folder, "config.json", named)
    if path is None:
        raise InputError(f"{named}: {folder or train.model} holds no config.json, so it is no model of transformers")
    settings = _settings(path, named)
    tokenizer = _small_file(train, folder, "tokenizer.json", named)
    tokens = None if tokenizer is None else _tokens(tokenizer, named)
    rows = settings.get("vocab_size")
    require_fit(train, tokens, rows if isinstance(rows, int) else None, positions_in(settings), named)


def _small_file(train: TrainSection, folder: Path | None, name: str, named: str) -> Path | None:
    """A file of the model; None where it has none of that name."""
    if folder is None:
        return from_hub(train.model, train.revision, name, named)
    path = folder / name
    return path if path.is_file() else None


def _settings(path: Path, named: str) -> Mapping[str, Any]:
    """The configuration of the language model; of one with several parts, that of its texts."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{named}: {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{named}: {path} is no configuration of a model")
    inner = values.get("text_config")
    return {**values, **inner} if isinstance(inner, dict) else values


def _tokens(path: Path, named: str) -> int:
    """One more than the largest id of a tokenizer's tokens."""
    from tokenizers import Tokenizer

    try:
        ids = Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True).values()
    except Exception as error:  # the library raises no class of its own
        raise InputError(f"{named}: the tokenizer in {path} cannot be read: {error}") from error
    return max(ids, default=-1) + 1
