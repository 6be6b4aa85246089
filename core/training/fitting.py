"""From texts to tokens that fit into a window.

Length never drops a pair. Both responses of a pair follow the same prompt, and it is fitted to that pair alone:
to the longer of its two responses, of c tokens, inside a window of L tokens:

1. the oldest turns are dropped, a system message is kept, until prompt + c ≤ L or only the last message is left;
2. a prompt that still leaves less than min(c, L/2) tokens loses its start (BOS is kept);
3. a response that does not fit into what the prompt leaves loses its end, and with it its EOS.

So what a pair trains on does not depend on which other pairs a run has. A sequence is a prompt and a response *as
fitted*: pairs whose tokens are the same share it, and what was cut is counted by sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from core.chat import prompt_ids, response_ids
from core.training.tokens import Ids, Key, Pair, Tokens
from core.types import Context

T = TypeVar("T")

_TOKENISE_AT_ONCE = 512


def tokenise(
    tokenizer: Any,
    contexts: Sequence[Context],
    responses: Sequence[str],
    pairs: Sequence[Pair],
    max_length: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tokens:
    """Tokens of the pairs: every sequence at most `max_length` long, with at least one token of its response.

    Args:
        contexts, responses: distinct texts, indexed by the pairs.
        max_length: window L in tokens, prompt and response together.
        progress: called with texts done and texts in all.
    """
    wanted_contexts = sorted({c for c, _, _ in pairs})
    wanted_responses = sorted({(c, r) for c, *both in pairs for r in both})
    total = len(wanted_contexts) + len(wanted_responses)
    raw: dict[tuple[int, int], list[int]] = {}
    for some in _chunks(wanted_responses):
        said = response_ids(tokenizer, [contexts[c] for c, _ in some], [responses[r] for _, r in some])
        raw.update(zip(some, said, strict=True))
        progress(len(raw), total)
    whole: dict[int, list[int]] = {}
    for chunk in _chunks(wanted_contexts):
        whole.update(zip(chunk, prompt_ids(tokenizer, [contexts[c] for c in chunk]), strict=True))
        progress(len(raw) + len(whole), total)
    longer = {(c, a, b): max(len(raw[c, a]), len(raw[c, b])) for c, a, b in pairs}
    wanted = sorted({(c, longer[c, a, b]) for c, a, b in pairs})
    too_long = [(c, n) for c, n in wanted if len(whole[c]) + n > max_length]
    fitted: dict[tuple[int, int], list[int]] = {}
    for part in _chunks(too_long):
        again = fit_prompts(tokenizer, [contexts[c] for c, _ in part], [n for _, n in part], max_length)
        fitted.update(zip(part, again, strict=True))
    return _joined({pair: (whole[pair[0]], fitted.get((pair[0], longer[pair]))) for pair in pairs}, raw, max_length)


def _joined(
    prompts: Mapping[Pair, tuple[list[int], list[int] | None]],
    raw: Mapping[tuple[int, int], list[int]],
    max_length: int,
) -> Tokens:
    """The sequences of every pair from its whole prompt, what was made of one that is too long, and its responses."""
    distinct_prompts, distinct_responses = _Distinct(), _Distinct()
    pairs: dict[Pair, tuple[Key, Key]] = {}
    cut_prompt: set[Key] = set()
    cut_response: set[Key] = set()
    for pair, (whole, fitted) in prompts.items():
        prompt = whole if fitted is None else fitted
        number = distinct_prompts.add(prompt)
        found = []
        for response in (raw[pair[0], r] for r in pair[1:]):
            kept = response[: max_length - len(prompt)]
            key = (number, distinct_responses.add(kept))
            found.append(key)
            if prompt != whole:
                cut_prompt.add(key)
            if len(kept) < len(response):
                cut_response.add(key)
        pairs[pair] = (found[0], found[1])
    cut = len(cut_prompt), len(cut_response)
    return Tokens(distinct_prompts.items, distinct_responses.items, pairs, *cut, max_length)


class _Distinct:
    """Numbers token strings in the order in which each is first seen."""

    def __init__(self) -> None:
        self.items: list[Ids] = []
        self._number: dict[bytes, int] = {}

    def add(self, ids: list[int]) -> int:
        """The number of a token string."""
        array = np.array(ids, dtype=np.int32)
        number = self._number.setdefault(array.tobytes(), len(self.items))
        if number == len(self.items):
            self.items.append(array)
        return number


def fit_prompts(
    tokenizer: Any, contexts: Sequence[Context], longest: Sequence[int], max_length: int
) -> list[list[int]]:
    """Tokens of each prompt after steps 1 and 2 of the module's rule.

    All prompts that are too long lose one turn and are tokenised together, until none can lose another.

    Args:
        longest: tokens of the longer response that follows each prompt.
    """
    current = list(contexts)
    ids = prompt_ids(tokenizer, current)
    while True:
        shorter = {
            i: without_oldest_turn(context)
            for i, context in enumerate(current)
            if len(ids[i]) + longest[i] > max_length and without_oldest_turn(context) != context
        }
        if not shorter:
            break
        for i, again in zip(shorter, prompt_ids(tokenizer, list(shorter.values())), strict=True):
            current[i], ids[i] = shorter[i], again
    rooms = [max_length - min(response, max_length // 2) for response in longest]
    return [_last(tokenizer, prompt, room) for prompt, room in zip(ids, rooms, strict=True)]


def _last(tokenizer: Any, ids: list[int], room: int) -> list[int]:
    """The last `room` tokens of a prompt, BOS among them."""
    if len(ids) <= room:
        return ids
    head = ids[:1] if ids[0] == tokenizer.bos_token_id else []
    return head + ids[len(ids) - room + len(head) :]


def without_oldest_turn(context: Context) -> Context:
    """The context without its first user message and the answers to it; the last message always stays."""
    system = context[:1] if context and context[0].role == "system" else ()
    turns = context[len(system) :]
    for i in range(1, len(turns)):
        if turns[i].role == "user":
            return system + turns[i:]
    return context


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), _TOKENISE_AT_ONCE):
        yield items[start : start + _TOKENISE_AT_ONCE]
