"""One way from a conversation to tokens, for whichever chat template a tokenizer was given.

Prompt and response come from one rendering of the whole conversation: the tokens of the prompt that a model is asked
are the beginning of the tokens that it is trained on, or the tokenizer is refused. The response ends on the token that
ends the model's turn; what the template writes behind it (a line break) is no part of it. So a model learns to stop,
and an answer ends where a trained text did.

Before it is rendered every text is tamed (`core.chat.taming`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.chat.taming import marks_in, marks_of, tame
from core.errors import InputError
from core.types import Context, Message

Turns = Sequence[Message]

_HARMLESS = "Yes"
_BRIEFLY = (Message("user", _HARMLESS),)


def prompt_text(tokenizer: Any, context: Turns) -> str:
    """The prompt that asks for the assistant's next message.

    Raises:
        InputError: the chat template cannot write it.
    """
    return _rendered(tokenizer, context, marks_of(tokenizer), True)


def prompt_ids(tokenizer: Any, contexts: Sequence[Turns], begun: str = "") -> list[list[int]]:
    """Tokens of the prompts, and of what is written after each of them; the template brings BOS, nothing is added.

    Raises:
        InputError: the chat template cannot write a prompt; or a text became a mark for all that.
    """
    if not contexts:
        return []
    marks = marks_of(tokenizer)
    found = _encode(tokenizer, [_rendered(tokenizer, context, marks, True) + begun for context in contexts])
    written: dict[tuple[str, ...], list[int]] = {}
    for ids, context in zip(found, contexts, strict=True):
        roles = _roles(context)
        if roles not in written:
            (harmless,) = _encode(tokenizer, [_rendered(tokenizer, _harmless(roles), marks, True) + begun])
            written[roles] = marks_in(tokenizer, harmless, marks)
        _require_plain(tokenizer, ids, marks, written[roles])
    return found


def response_ids(tokenizer: Any, contexts: Sequence[Turns], responses: Sequence[str]) -> list[list[int]]:
    """Tokens of each response as it follows its context, up to and including what ends the model's turn.

    Raises:
        InputError: no prompt is the beginning of what is trained; the template ends no turn; or a text became a mark
            although its spelling was taken apart.
    """
    if not responses:
        return []
    marks = marks_of(tokenizer)
    distinct = list(dict.fromkeys(map(tuple, contexts)))
    prompts = dict(zip(distinct, prompt_ids(tokenizer, distinct), strict=True))
    texts = {context: _rendered(tokenizer, context, marks, True) for context in distinct}
    turns = [(*context, Message("assistant", said)) for context, said in zip(contexts, responses, strict=True)]
    wholes = [_rendered(tokenizer, whole, marks, False) for whole in turns]
    ends: dict[tuple[str, ...], tuple[list[int], int]] = {}
    found = []
    for whole, text, ids in zip(turns, wholes, _encode(tokenizer, wholes), strict=True):
        context, roles = whole[:-1], _roles(whole)
        if roles not in ends:
            ends[roles] = _end_of_turn(tokenizer, roles, marks)
        _require_beginning(texts[context], text)
        _require_prefix(texts[context], prompts[context], ids)
        found.append(_response(tokenizer, len(prompts[context]), ids, marks, *ends[roles]))
    return found


def require_prompt(tokenizer: Any) -> None:
    """Refuses a template that asks for no answer, so that the model would have to write the head of its own turn.

    Raises:
        InputError: it writes the same whether an answer is asked for or not, and something before each answer.
    """
    marks = marks_of(tokenizer)
    prompt, bare = (_rendered(tokenizer, _BRIEFLY, marks, asked) for asked in (True, False))
    whole = _rendered(tokenizer, _harmless(("user", "assistant")), marks, False)
    head = whole[len(prompt) : whole.rfind(_HARMLESS)].strip()
    if prompt == bare and head:
        raise InputError(
            f"the model's chat template has no generation prompt: {head[:40]!r}, which stands before each answer, is "
            "not written where one is asked for"
        )


def turn_end(tokenizer: Any) -> int | None:
    """The token that ends an answer under the tokenizer's template; None where it marks no end."""
    marks = marks_of(tokenizer)
    try:
        written, after = _end_of_turn(tokenizer, ("user", "assistant"), marks)
    except InputError:
        return None
    return written[len(written) - after]


def _response(
    tokenizer: Any, prompt: int, whole: list[int], marks: Mapping[str, int], written: list[int], after: int
) -> list[int]:
    """What follows a prompt of so many tokens, up to the mark that ends the turn.

    Args:
        written: the marks that the template writes into the whole around harmless texts; the last `after` of them stand
            behind what the model said, and the first of those ends its turn.
    """
    _require_plain(tokenizer, whole, marks, written)
    wanted = set(written)
    places = [place for place, number in enumerate(whole) if number in wanted]
    return whole[prompt : places[len(places) - after] + 1]


def _end_of_turn(tokenizer: Any, roles: tuple[str, ...], marks: Mapping[str, int]) -> tuple[list[int], int]:
    """The marks that the template writes into a conversation of such roles, and how many stand behind its last text.

    Raises:
        InputError: it does not write what the model said, or marks no end of it.
    """
    text = _rendered(tokenizer, _harmless(roles), marks, False)
    place = text.rfind(_HARMLESS)
    if place < 0:
        raise InputError("the model's chat template leaves out what the model said, so it cannot be trained with it")
    ids, behind = _encode(tokenizer, [text, text[place + len(_HARMLESS) :]])
    after = len(marks_in(tokenizer, behind, marks))
    if not after:
        raise InputError(
            "the model's chat template ends the model's turn with no special token, so the model would not learn to "
            "stop"
        )
    return marks_in(tokenizer, ids, marks), after


def _rendered(tokenizer: Any, turns: Turns, marks: Mapping[str, int], prompt: bool) -> str:
    messages = [{"role": m.role, "content": tame(m.content, marks)} for m in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
    except Exception as error:  # a template is a stranger's program, which may raise whatever it likes
        told = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise InputError(
            f"the model's chat template cannot write a conversation of {', '.join(_roles(turns))}: {told}"
        ) from error


def _roles(turns: Turns) -> tuple[str, ...]:
    return tuple(message.role for message in turns)


def _harmless(roles: Sequence[str]) -> Context:
    return tuple(Message(role, _HARMLESS) for role in roles)  # type: ignore[arg-type]


def _require_beginning(prompt: str, whole: str) -> None:
    """Refuses a template under which a model would be asked otherwise than it was trained."""
    if not whole.startswith(prompt):
        same = next(i for i, letter in enumerate(prompt) if whole[i : i + 1] != letter)
        raise InputError(
            "the model's chat template writes a prompt that the same conversation with its answer does not begin with: "
            f"the prompt goes on with {prompt[same : same + 40]!r}, the whole with {whole[same : same + 40]!r}"
        )


def _require_prefix(text: str, prompt: list[int], whole: list[int]) -> None:
    """Refuses a tokenizer that makes of the beginning of a text other tokens where more follows."""
    if whole[: len(prompt)] != prompt:
        raise InputError(
            f"the model's tokenizer joins {text.rstrip().splitlines()[-1][-40:]!r} with the text that follows, so a "
            "prompt would not be a prefix of the trained text; choose a model with another tokenizer"
        )


def _require_plain(tokenizer: Any, ids: Sequence[int], marks: Mapping[str, int], written: Sequence[int]) -> None:
    """Refuses tokens among which are other marks than the template wrote."""
    found = marks_in(tokenizer, ids, marks)
    if Counter(found) != Counter(written):
        raise InputError(
            f"a text of {len(ids)} tokens holds {len(found)} special tokens instead of the {len(written)} of the "
            "template: the model's tokenizer reads marks in texts that don't spell them; choose a model with another "
            "tokenizer"
        )


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids
