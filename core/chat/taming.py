"""Texts are hostile: none of them may end a turn, or open one.

Where a text holds the spelling of a mark (`<|eos|>`), a space is put inside it. Marks are all tokens that the tokenizer
calls special, and not only the few that have a role (BOS, EOS, padding, unknown): a chat model's marks of turns and
tools are among the others. And so are those that its own chat template writes, although the tokenizer calls them words
(`<think>`). What comes out is counted against what the template writes around harmless texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.facts.training.chat_templates import PLAIN_TEMPLATE


def marks_of(tokenizer: Any) -> dict[str, int]:
    """Id by spelling of every token that no text may become."""
    template = tokenizer.chat_template
    own = template if isinstance(template, str) and template != PLAIN_TEMPLATE else ""
    added = {str(token): number for number, token in tokenizer.added_tokens_decoder.items() if _is_mark(token, own)}
    named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {spelling: number for spelling, number in {**added, **dict(named)}.items() if spelling}


def _is_mark(token: Any, template: str) -> bool:
    """Whether a token that was added to the vocabulary is special, or one that the template writes and no mere word."""
    if token.special:
        return True
    bare = str(token).strip(" \t\r\n▁")
    return bool(bare) and not bare.isalnum() and str(token) in template


def tame(text: str, marks: Iterable[str]) -> str:
    """The text with a space inside every spelling of a mark, so that it stays text.

    A spelling may begin where another one ends (`__en__en__`), so it is looked for until none is left.
    """
    for mark in marks:
        while mark in text:
            apart = f"{mark[0]} {mark[1:]}"
            text = text.replace(mark, apart if mark not in apart else "")
    return text


def marks_in(tokenizer: Any, ids: Sequence[int], marks: Mapping[str, int]) -> list[int]:
    """The marks among tokens, in their order; an unknown character is none."""
    roles = {tokenizer.bos_token_id, tokenizer.eos_token_id}
    wanted = set(marks.values()) - ({tokenizer.unk_token_id} - roles)
    return [number for number in ids if number in wanted]
