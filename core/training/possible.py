"""What [[conditions]] and [train] ask for and cannot have, found before a run is created. Loads no torch.

A model is looked at by its small files alone, its configuration and its tokenizer; of a hub name these two are
fetched. What they don't tell is found when the stage `model` opens the model, before anything is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from core.config import RunConfig
from core.errors import DempoError, InputError
from core.sections.what_trains import TrainSection
from core.training.models.model import folder_of, positions_in, require_fit, weights_of
from core.training.models.optimizers import require_optimizer
from core.training.models.small_files import settings_in, small_file
from core.training.models.tiny import require_heads
from core.training.planning.conditions import require_name
from core.training.planning.weights import require_options
from core.training.prediction.resources import require_resources


def check_training(config: RunConfig, trained: bool, runs: Path | None = None) -> Iterator[DempoError]:
    """Every reason why the conditions of a configuration cannot be planned, or trained on this machine.

    Args:
        trained: whether the run goes on to the model and the training.
        runs: the folder of runs, whose disk has to hold the models; None: not looked at.
    """
    if not config.conditions or (config.has_base and config.train is None):
        return
    checks: list[Callable[[], object]] = []
    for condition in config.conditions:
        checks += [partial(require_name, condition), partial(require_options, condition)]
    if trained and config.train is not None and config.has_base:
        checks += [partial(require_optimizer, config.train.optimizer), partial(check_model, config.train)]
        checks.append(partial(require_resources, config, config.train, runs))
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
    path = small_file(train, folder, "config.json", named)
    if path is None:
        raise InputError(f"{named}: {folder or train.model} holds no config.json, so it is no model of transformers")
    settings = settings_in(path, named)
    tokenizer = small_file(train, folder, "tokenizer.json", named)
    tokens = None if tokenizer is None else _tokens(tokenizer, named)
    rows = settings.get("vocab_size")
    require_fit(train, tokens, rows if isinstance(rows, int) else None, positions_in(settings), named)


def _tokens(path: Path, named: str) -> int:
    """One more than the largest id of a tokenizer's tokens."""
    from tokenizers import Tokenizer

    try:
        ids = Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True).values()
    except Exception as error:  # the library raises no class of its own
        raise InputError(f"{named}: the tokenizer in {path} cannot be read: {error}") from error
    return max(ids, default=-1) + 1
