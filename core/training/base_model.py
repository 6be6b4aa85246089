"""The stage `model`: the base model, a tiny one made here or a checkpoint that exists. One unit, `base`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from core.chat import chosen_template, load_tokenizer, require_trainable, template_digest
from core.events import ModelReady
from core.facts.places import place_name
from core.facts.training.chat_templates import template_kind
from core.random_arrays import integers
from core.sections.what_trains import TrainSection
from core.stage import Context, Unit, only
from core.training.checkpoints import fresh_folder, hash_files, publish
from core.training.planning.conditions import BASE, train_section
from core.types import PreferencePairs


@dataclass(frozen=True)
class BaseModel:
    """The model that every condition starts from, and that is the frozen reference.

    path is a complete checkpoint folder (weights may be links); files holds the SHA-256 of each file, and template
    that of the chat template.
    """

    path: Path
    files: Mapping[str, str]
    template: str


def model(ctx: Context, pairs: PreferencePairs) -> BaseModel:
    """The base model: made from a configuration ("tiny"), or an existing checkpoint.

    Only a tiny one looks at pairs, which may be () for any other.
    """
    train = train_section(ctx)
    ctx.plan(1)
    path = ctx.folder.checkpoints / BASE

    def compute(unit: Unit) -> None:
        from core.training.models.precision import memory_guard, placement, quiet_libraries

        quiet_libraries()
        temporary = fresh_folder(ctx.folder.checkpoints / f".{BASE}")
        loss = None
        if train.model == "tiny":
            with memory_guard(train, "pre-training the tiny model"):
                loss = _make_tiny(ctx, pairs, train, placement(train).device, temporary)
        else:
            from core.training.models.model import find_source, link_model

            ctx.progress(0, 1, f"finding {train.model}")
            source = find_source(train.model, train.revision)
            link_model(source, temporary)
            tokenizer = load_tokenizer(source, partial(chosen_template, train.template, model=train.model))
            require_trainable(tokenizer)
            tokenizer.save_pretrained(temporary)
        unit.add(_model_ready(unit, train, temporary, loss))
        publish(temporary, path)

    ready = only(ctx.unit("base", compute), ModelReady)
    return BaseModel(path, ready.files, ready.template)


def _make_tiny(ctx: Context, pairs: PreferencePairs, train: TrainSection, device: str, folder: Path) -> float | None:
    """Builds, pre-trains and saves the tiny model; returns its last loss."""
    from core.training.as_tokens.fitting import tokenise
    from core.training.as_tokens.tokens import every_response
    from core.training.models.model import save_model
    from core.training.models.tiny import make_model, pretrain, train_tokenizer

    ctx.progress(0, train.tiny.steps, "training the tokenizer")
    tokenizer = train_tokenizer([*_messages(pairs), *pairs.responses], train.tiny.vocabulary)
    made = make_model(train.tiny, tokenizer, 2 * train.max_length, ctx.torch_seed("base", "weights"))
    everything = every_response(pairs)
    stream = ctx.stream("base", "pretraining")
    wanted = train.tiny.steps * train.tiny.batch
    picked = everything[np.unique(integers(stream.child("texts"), len(everything), wanted))]
    tokens = tokenise(tokenizer, pairs.contexts, pairs.responses, picked, train.max_length)

    loss = pretrain(
        made,
        [tokens.ids(tokens.keys(*pair)[0]) for pair in picked.tolist()],
        train.tiny,
        stream.child("batches"),
        device,
        tokenizer.pad_token_id,
        lambda done, total: ctx.go_on(done, total, "pre-training the tiny model"),
    )
    save_model(made.cpu(), tokenizer, folder)
    return loss


def _messages(pairs: PreferencePairs) -> list[str]:
    """The last message of every context; earlier ones are last in other contexts or responses."""
    return [context[-1].content for context in pairs.contexts]


def _model_ready(unit: Unit, train: TrainSection, folder: Path, loss: float | None) -> ModelReady:
    from core.training.models.adapters import require_lora
    from core.training.models.model import names_of_weights, require_fit, shape_of

    shape, tokenizer = shape_of(folder), load_tokenizer(folder)
    require_lora(train, names_of_weights(folder))
    require_fit(train, max(tokenizer.get_vocab().values()) + 1, shape.rows, shape.positions)
    return ModelReady(
        model=place_name(train.model),
        architecture=shape.architecture,
        parameters=shape.parameters,
        vocabulary=len(tokenizer),
        template=template_digest(tokenizer.chat_template),
        template_kind=template_kind(tokenizer.chat_template),
        template_text=unit.text(tokenizer.chat_template),
        files=hash_files(folder),
        pretraining_loss=loss,
    )
