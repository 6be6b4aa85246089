"""The one chat template of a run: for pre-training, training, the reference and the answers.

A conversation reads

    <bos>User: first question
    Assistant: answer<eos>
    User: second question
    Assistant: answer<eos>

and the prompt of a generation ends in `Assistant:`, without a space: a tokenizer joins a space to the word
that follows, so a prompt that ends in one would not be a prefix of the trained text. The space belongs to
the content. A trained text ends on EOS, so a model learns to stop.

Texts are hostile: where one holds the spelling of a special token (`<|eos|>`), a space is put inside it, so
that no text can end a turn or open one with special tokens. Special are all tokens that the tokenizer marks so, and
not only the few that have a role (BOS, EOS, padding, unknown): a chat model's marks of turns and tools are among the
others. What comes out is counted: only the template writes special tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.types import Context, Message

ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}
"""How each role is written."""

OPENING = "Assistant:"
"""What a prompt ends in; the response follows after a space."""

TEMPLATE = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{% if not loop.first %}{{ '\\n' }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}"
    "{% elif message['role'] == 'system' %}{{ 'System: ' + message['content'] }}"
    "{% else %}{{ 'User: ' + message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{% if messages %}{{ '\\n' }}{% endif %}{{ 'Assistant:' }}{% endif %}"
)
"""The template in Jinja, as it is saved beside every checkpoint."""


def template_digest() -> str:
    """SHA-256 of the template."""
    return hashlib.sha256(TEMPLATE.encode()).hexdigest()


def load_tokenizer(source: str | Path, revision: str | None = None) -> Any:
    """The tokenizer of a folder or hub name, with the run's template installed.

    Raises:
        InputError: it cannot be read, or it cannot be used with the template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(source), revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the tokenizer of {source}: {error}") from error
    for how in ("is_local", "local_files_only"):  # how it was loaded is no part of what a checkpoint holds
        tokenizer.init_kwargs.pop(how, None)
    return install(tokenizer)


def install(tokenizer: Any) -> Any:
    """Gives a tokenizer the run's template and, where it has none, its EOS as padding token.

    Padding is always masked, so that a shared token does no harm. Nothing is added to the vocabulary.

    Raises:
        InputError: the tokenizer has no EOS token, or joins `Assistant:` with what follows.
    """
    if tokenizer.eos_token is None:
        raise InputError("the model's tokenizer has no end-of-sequence token; choose a model that has one")
    tokenizer.chat_template = TEMPLATE
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    response_ids(tokenizer, ["A"])
    return tokenizer


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Id by spelling of every token that the tokenizer calls special, whether it has a role or not."""
    added = {str(token): number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {spelling: number for spelling, number in {**added, **dict(named)}.items() if spelling}


def tame(text: str, specials: Iterable[str]) -> str:
    """The text with a space inside every spelling of a special token, so that it stays text.

    A spelling may begin where another one ends (`__en__en__`), so it is looked for until none is left.
    """
    for special in specials:
        while special in text:
            apart = f"{special[0]} {special[1:]}"
            text = text.replace(special, apart if special not in apart else "")
    return text


def prompt_text(tokenizer: Any, context: Sequence[Message]) -> str:
    """The prompt that asks for the assistant's next message."""
    return _prompt_text(tokenizer, context, special_tokens(tokenizer))


def _prompt_text(tokenizer: Any, context: Sequence[Message], specials: Iterable[str]) -> str:
    messages = [{"role": m.role, "content": tame(m.content, specials)} for m in context]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def prompt_ids(tokenizer: Any, contexts: Sequence[Context]) -> list[list[int]]:
    """Tokens of the prompts; the template brings BOS, so the tokenizer adds nothing.

    Raises:
        InputError: a text became a special token for all that.
    """
    if not contexts:
        return []
    specials = special_tokens(tokenizer)
    found = _encode(tokenizer, [_prompt_text(tokenizer, context, specials) for context in contexts])
    first = int(tokenizer.bos_token is not None)
    for ids, context in zip(found, contexts, strict=True):
        _require_plain(tokenizer, ids, specials, first + sum(message.role == "assistant" for message in context))
    return found


def response_ids(tokenizer: Any, responses: Sequence[str]) -> list[list[int]]:
    """Tokens of the responses as they follow a prompt; each ends on EOS.

    A response is tokenised behind `Assistant:` and that prefix is cut off, so that tokenizers which mark
    the start of a text (SentencePiece) give the same tokens as inside a conversation.

    Raises:
        InputError: the tokenizer joins `Assistant:` with what follows, so that no prompt is a prefix; or a text
            became a special token although its spelling was taken apart.
    """
    if not responses:
        return []
    specials = special_tokens(tokenizer)
    (head,) = _encode(tokenizer, [OPENING])
    texts = [f"{OPENING} {tame(response, specials)}{tokenizer.eos_token}" for response in responses]
    found = []
    for ids in _encode(tokenizer, texts):
        if ids[: len(head)] != head:
            raise InputError(
                f"the model's tokenizer joins {OPENING!r} with the text that follows, so a prompt would not be "
                "a prefix of the trained text; choose a model with another tokenizer"
            )
        _require_plain(tokenizer, ids, specials, 1)
        found.append(ids[len(head) :])
    return found


def _require_plain(tokenizer: Any, ids: Sequence[int], specials: Mapping[str, int], written: int) -> None:
    """Refuses tokens among which more are special than the template wrote; an unknown character is no mark."""
    written_ids = {tokenizer.bos_token_id, tokenizer.eos_token_id}
    marks = set(specials.values()) - ({tokenizer.unk_token_id} - written_ids)
    found = sum(number in marks for number in ids)
    if found != written:
        raise InputError(
            f"a text of {len(ids)} tokens holds {found} special tokens instead of the {written} of the template: the "
            "model's tokenizer reads marks in texts that don't spell them; choose a model with another tokenizer"
        )


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids
