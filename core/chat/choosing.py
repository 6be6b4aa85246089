"""Which chat template a model is asked and trained with: the plain one of this program, or the model's own.

The plain one is one shared form, right for base models, which know no turns. In it a conversation reads

    <bos>User: first question
    Assistant: answer<eos>
    User: second question
    Assistant: answer<eos>

and a prompt ends in `Assistant:`, without a space: a tokenizer joins a space to the word that follows, so a prompt that
ends in one would not be a prefix of the trained text. The space belongs to the content.

A model's own is what its tokenizer carries, right for models that were tuned to it: another form is strange to them,
and they answer worse or not at all. It is used as it is, but for the date (`core.facts.training.chat_templates`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.facts.training.chat_templates import PLAIN_TEMPLATE, TEMPLATE_FILE, without_clock


def template_digest(template: str = PLAIN_TEMPLATE) -> str:
    """SHA-256 of a template."""
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()


def chosen_template(wanted: str | None, own: str | None, model: str) -> str:
    """The template of a model that is trained: `wanted` is `train.template`, `own` what its tokenizer carries.

    Raises:
        InputError: there is a choice and none was made, or its own was chosen and it has none.
    """
    if own is None and wanted == "model":
        raise InputError(
            f'train.template = "model": the tokenizer of {model!r} carries no chat template of its own; set it to '
            '"plain", which is right for base models, or take a model that was made with one'
        )
    if own is not None and wanted is None:
        raise InputError(
            f"train.template is not set, and the tokenizer of {model!r} carries a chat template: "
            'set it to "model" to train and ask the model in its own turns, which is right for a model that was tuned '
            'to them (an instruct model), or to "plain" for one shared form, "User: … Assistant:", which is right for '
            "base models"
        )
    return carried_template(own if wanted == "model" else None)


def carried_template(own: str | None) -> str:
    """The template of a model that is taken as it is: its own where its tokenizer carries one, else the plain one."""
    return PLAIN_TEMPLATE if own is None else without_clock(own)


def own_template(named: Any) -> str | None:
    """The template that a tokenizer carries: its only one, or the one called `default`; None where it has none.

    The plain one, as this program leaves it beside a checkpoint, is no model's own.

    Raises:
        InputError: there are several, and none is the default.
    """
    if isinstance(named, list):
        named = {
            one["name"]: one["template"] for one in named if isinstance(one, dict) and {"name", "template"} <= set(one)
        }
    if isinstance(named, dict):
        if named and "default" not in named:
            names = ", ".join(map(repr, sorted(map(str, named))))
            raise InputError(f"the model's tokenizer carries the chat templates {names} and none called 'default'")
        named = named.get("default")
    return named if isinstance(named, str) and named != PLAIN_TEMPLATE else None


def template_beside(file: Callable[[str], Path | None]) -> str | None:
    """The template that a model's small files carry; `file` gives one by its name, None where there is none.

    Raises:
        InputError: they cannot be read.
    """
    path = file(TEMPLATE_FILE)
    settings = file("tokenizer_config.json") if path is None else None
    try:
        if path is not None:
            return own_template(path.read_text(encoding="utf-8"))
        values = {} if settings is None else json.loads(settings.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"the chat template in {path or settings} cannot be read: {error}") from error
    return own_template(values.get("chat_template") if isinstance(values, dict) else None)
