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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.chat import prompt_ids, response_ids
from core.training.as_tokens.gathering import Gathered
from core.training.as_tokens.tokens import Ids, Pair, Pairs, Tokens
from core.types import Context

T = TypeVar("T")

_TOKENISE_AT_ONCE = 512


@dataclass(frozen=True)
class _Texts:
    """What the pairs are of, and how it becomes tokens; max_length is the window L."""

    tokenizer: Any
    contexts: Sequence[Context]
    responses: Sequence[str]
    max_length: int


def tokenise(
    tokenizer: Any,
    contexts: Sequence[Context],
    responses: Sequence[str],
    pairs: Pairs | Sequence[Pair],
    max_length: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    beside: Path | None = None,
) -> Tokens:
    """Tokens of the pairs: every sequence at most `max_length` long, with at least one token of its response.

    Pairs of one context are tokenised together and put aside in a file, so that what is held of a pair is a few
    numbers, and of the texts those of some hundred pairs.

    Args:
        contexts, responses: distinct texts, indexed by the pairs.
        max_length: window L in tokens, prompt and response together.
        progress: called with pairs done and pairs in all.
        beside: folder on the disk that has room for the tokens, at 4 bytes each; one for temporary files if None.
    """
    texts = _Texts(tokenizer, contexts, responses, max_length)
    table = np.unique(np.asarray(pairs, dtype=np.int32).reshape(-1, 3), axis=0)
    with Gathered(beside) as gathered:
        for start, end in _by_context(table):
            _gather(texts, table[start:end], gathered)
            progress(end, len(table))
        return gathered.tokens(table, max_length)


def _by_context(table: Pairs) -> Iterator[tuple[int, int]]:
    """First row and end of some hundred rows, with all rows of a context among them."""
    ends = [*(np.flatnonzero(np.diff(table[:, 0])) + 1).tolist(), *([len(table)] if len(table) else [])]
    start = 0
    for end in ends:
        if end - start >= _TOKENISE_AT_ONCE or end == len(table):
            yield start, end
            start = end


def _gather(texts: _Texts, table: Pairs, gathered: Gathered) -> None:
    """Adds the pairs of some contexts, in their order."""
    pairs: list[Pair] = [(c, a, b) for c, a, b in table.tolist()]
    raw = _responses_of(texts, sorted({(c, r) for c, *both in pairs for r in both}))
    wanted = sorted({c for c, _, _ in pairs})
    whole = _arrays(wanted, lambda part: prompt_ids(texts.tokenizer, [texts.contexts[c] for c in part]))
    longer = [max(len(raw[c, a]), len(raw[c, b])) for c, a, b in pairs]
    fits = [(c, n) for (c, _, _), n in zip(pairs, longer, strict=True)]
    fitted = _fitted(texts, sorted({(c, n) for c, n in fits if len(whole[c]) + n > texts.max_length}))
    for (c, *both), fit in zip(pairs, fits, strict=True):
        prompt = fitted.get(fit, whole[c])
        room = texts.max_length - len(prompt)
        gathered.add(
            prompt,
            [raw[c, r][:room] for r in both],
            cut_prompt=not np.array_equal(prompt, whole[c]),
            cut_responses=[len(raw[c, r]) > room for r in both],
        )
    gathered.forget()


def _responses_of(texts: _Texts, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Ids]:
    """Whole tokens of responses as they follow a context, by (context, response)."""

    def ids_of(part: Sequence[tuple[int, int]]) -> list[list[int]]:
        return response_ids(
            texts.tokenizer, [texts.contexts[c] for c, _ in part], [texts.responses[r] for _, r in part]
        )

    return _arrays(wanted, ids_of)


def _fitted(texts: _Texts, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Ids]:
    """What is left of prompts that are too long, by (context, tokens of the longer response)."""

    def ids_of(part: Sequence[tuple[int, int]]) -> list[list[int]]:
        contexts, longest = [texts.contexts[c] for c, _ in part], [n for _, n in part]
        return fit_prompts(texts.tokenizer, contexts, longest, texts.max_length)

    return _arrays(wanted, ids_of)


def _arrays(wanted: Sequence[T], ids_of: Callable[[Sequence[T]], list[list[int]]]) -> dict[T, Ids]:
    """Token strings by what they are of, made some hundred at a time; lists of them take nine times the memory."""
    found: dict[T, Ids] = {}
    for part in _chunks(wanted):
        found.update((one, np.array(ids, dtype=np.int32)) for one, ids in zip(part, ids_of(part), strict=True))
    return found


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
