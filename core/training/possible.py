"""What [[conditions]] and [train] ask for and cannot have, found before a run is created. Loads no torch itself.

A model is looked at by its small files alone, its configuration and its tokenizer; of a hub name these are fetched.
Its own chat template, where that is used, is tried in a process of its own (`core.chat.trial`). What all this doesn't
tell is found when the stage `model` opens the model, before anything is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from core.chat.choosing import carried_template, chosen_template, template_beside
from core.chat.installing import SAMPLES
from core.chat.trial import require_serving
from core.config import RunConfig
from core.errors import DempoError, InputError
from core.facts.sources import source_kind, trains
from core.facts.training.chat_templates import template_kind
from core.sections.what_trains import TrainSection
from core.training.models.adapters import require_lora
from core.training.models.model import folder_of, names_of_weights, positions_in, require_fit, weights_of
from core.training.models.optimizers import notes_on_optimizer, require_optimizer, require_suited
from core.training.models.small_files import settings_in, small_file
from core.training.models.tiny import require_heads
from core.training.planning.conditions import require_name
from core.training.planning.weights import require_options
from core.training.prediction.resources import require_resources
from core.training.steps_match import check_steps_match
from core.types import Message


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
    yield from check_steps_match(config)
    if not trained and config.train is not None and config.has_base:
        checks.append(partial(require_suited, config.train))
    if trained and config.train is not None and config.has_base:
        checks += [partial(require_optimizer, config.train), partial(check_model, config.train)]
        checks += [partial(_check_lora, config.train), partial(require_resources, config, config.train, runs)]
    for check in checks:
        try:
            check()
        except DempoError as error:
            yield error


def notes_on_training(config: RunConfig, trained: bool) -> tuple[str, ...]:
    """What somebody should know before conditions of a configuration are trained; nothing is wrong with it.

    Args:
        trained: whether the run goes on to the training.
    """
    if config.train is None or not any(trains(condition.source) for condition in config.conditions):
        return ()
    return (*(notes_on_optimizer(config.train) if trained else ()), *_notes_on_held_out(config, config.train))


def _notes_on_held_out(config: RunConfig, train: TrainSection) -> Iterator[str]:
    """What is right and may still surprise: panels lose members whose pairs are all held out."""
    held_out = train.held_out
    if held_out is not None and held_out.every > train.steps:
        yield (
            f"train.held_out.every = {held_out.every} is more than the {train.steps} steps, so held-out pairs are "
            "measured after the last step alone"
        )
    panels = [condition.name for condition in config.conditions if source_kind(condition.source) == "draw"]
    if held_out is not None and held_out.by == "rater" and panels:
        yield (
            f"train.held_out: a share of {held_out.share:g} of the raters is held out, members of panels like "
            f"everybody; {' and '.join(map(repr, panels))} will train without those (held_out_raters in the view "
            "`conditions`)"
        )


def _check_lora(train: TrainSection) -> None:
    """The names of a model's layers are known where its files are here; otherwise the stage `model` knows them."""
    folder = Path(train.model).expanduser()
    known = train.lora is not None and folder.is_dir() and (folder / "config.json").is_file()
    require_lora(train, names_of_weights(folder) if known else None)


def check_model(train: TrainSection, named: str = "train.model", trained: bool = True) -> None:
    """Refuses a model that cannot be found or used, as far as its small files tell; `named` is what sentences call it.

    Args:
        trained: whether its template is chosen by [train], or its own is used to ask it as it is.

    Raises:
        InputError: says why.
    """
    if train.model == "tiny":
        require_heads(train.tiny)
        chosen_template(train.template, None, train.model)
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
    own = template_beside(partial(small_file, train, folder, named=named))
    template = chosen_template(train.template, own, train.model) if trained else carried_template(own)
    if template_kind(template) == "model":
        require_template(str(folder or train.model), train.revision, named, trained)


def require_template(
    source: str, revision: str | None, named: str, trained: bool, asked: Sequence[Sequence[Message]] = SAMPLES
) -> None:
    """Refuses a model whose own chat template cannot write the conversations that a run has with it.

    Raises:
        InputError: says what fails.
    """
    try:
        require_serving(source, revision, trained, asked)
    except InputError as error:
        remedy = '; or set train.template = "plain"' if trained else ""
        raise InputError(f"{named} {source!r}: {error}{remedy}") from error


def _tokens(path: Path, named: str) -> int:
    """One more than the largest id of a tokenizer's tokens."""
    from tokenizers import Tokenizer

    try:
        ids = Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True).values()
    except Exception as error:  # the library raises no class of its own
        raise InputError(f"{named}: the tokenizer in {path} cannot be read: {error}") from error
    return max(ids, default=-1) + 1
