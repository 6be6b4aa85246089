"""A tokenizer with the chat template that it is used with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.chat.choosing import carried_template, own_template
from core.chat.conversation import require_prompt, response_ids
from core.errors import InputError
from core.facts.training.chat_templates import PLAIN_TEMPLATE
from core.types import Context, Message

ASKED = (Message("user", "A"),)
LONGER = (*ASKED, Message("assistant", "B"), Message("user", "C"))
SAMPLES: tuple[Context, ...] = (ASKED, LONGER)
"""Conversations of every shape that data have: they begin with a person, and both take turns."""


def load_tokenizer(
    source: str | Path, choose: Callable[[str | None], str] = carried_template, revision: str | None = None
) -> Any:
    """The tokenizer of a folder or hub name, with the template that `choose` makes of the one that it carries.

    A checkpoint of a run carries the one that was used, so it is the one that is used again.

    Raises:
        InputError: it cannot be read or used, or there is no such template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(source), revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the tokenizer of {source}: {error}") from error
    for how in ("is_local", "local_files_only"):  # how it was loaded is no part of what a checkpoint holds
        tokenizer.init_kwargs.pop(how, None)
    return install(tokenizer, choose(own_template(tokenizer.chat_template)))


def install(tokenizer: Any, template: str = PLAIN_TEMPLATE) -> Any:
    """Gives a tokenizer a template and, where it has none, its EOS as padding token.

    Padding is always masked, so that a shared token does no harm. Nothing is added to the vocabulary.

    Raises:
        InputError: the tokenizer has no EOS token.
    """
    if tokenizer.eos_token is None:
        raise InputError("the model's tokenizer has no end-of-sequence token; choose a model that has one")
    tokenizer.chat_template = template
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def require_trainable(tokenizer: Any) -> None:
    """Refuses a tokenizer with whose template no model can be trained, by conversations of every shape that data have.

    Raises:
        InputError: says what fails.
    """
    response_ids(tokenizer, SAMPLES, ["A"] * len(SAMPLES))
    require_prompt(tokenizer)
