"""A model that answers as it is: found as `train.model` is, linked into the run, its files hashed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.chat import load_tokenizer, template_digest
from core.events import ModelLinked
from core.facts.places import apart, place_name
from core.facts.training.chat_templates import template_kind
from core.sections.what_trains import ConditionSection, TrainSection
from core.stage import Context, Unit, only
from core.training.checkpoints import fresh_folder, hash_files, publish, verify


@dataclass(frozen=True)
class Linked:
    """A complete checkpoint folder, and the recorded SHA-256 of each of its files."""

    path: Path
    files: Mapping[str, str]

    def verified(self) -> Path:
        """The folder, once its files have been compared with the record.

        Raises:
            InputError: a file is missing or was changed.
        """
        return verify(self.path, self.files)


def linked_model(ctx: Context, condition: ConditionSection, key: str) -> Linked:
    """The model of a condition with a source `model:…`, under `checkpoints/<condition>`; `key` is its unit.

    Raises:
        InputError: there is no such model, or it cannot be used.
    """
    path, model = ctx.folder.checkpoints / condition.name, apart(condition.source)[1]

    def compute(unit: Unit) -> None:
        from core.training.models.model import find_source, link_model, require_fit, shape_of

        named = named_model(condition)
        temporary = fresh_folder(ctx.folder.checkpoints / f".{condition.name}")
        source = find_source(model, None, named)
        link_model(source, temporary)
        tokenizer = load_tokenizer(source)
        tokenizer.save_pretrained(temporary)
        shape = shape_of(temporary)
        require_fit(untrained(model), max(tokenizer.get_vocab().values()) + 1, shape.rows, None, named)
        unit.add(
            ModelLinked(
                condition=condition.name,
                model=place_name(model),
                architecture=shape.architecture,
                parameters=shape.parameters,
                vocabulary=len(tokenizer),
                template=template_digest(tokenizer.chat_template),
                template_kind=template_kind(tokenizer.chat_template),
                template_text=unit.text(tokenizer.chat_template),
                files=hash_files(temporary),
            )
        )
        publish(temporary, path)

    return Linked(path, only(ctx.unit(key, compute), ModelLinked).files)


def named_model(condition: ConditionSection) -> str:
    """How sentences name the setting."""
    return f"condition {condition.name!r}: model"


def untrained(model: str) -> TrainSection:
    """What is said of a model that is not trained: no window of a training has to fit it."""
    return TrainSection(model=model, max_length=16)
