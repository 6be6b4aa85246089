"""The rule by which pairs are fitted into a window, the slow way: all texts at once, lists and dictionaries of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.chat import prompt_ids, response_ids
from core.training.as_tokens.fitting import without_oldest_turn
from core.types import Context

Pair = tuple[int, int, int]
Key = tuple[int, int]


@dataclass(frozen=True)
class Plain:
    """Distinct strings in the order in which the pairs need them, the sequences of each pair, and what was cut."""

    prompts: list[list[int]]
    responses: list[list[int]]
    pairs: dict[Pair, tuple[Key, Key]]
    cut_contexts: set[Key]
    cut_responses: set[Key]


def plainly(
    tokenizer: Any, contexts: Sequence[Context], responses: Sequence[str], pairs: Sequence[Pair], window: int
) -> Plain:
    """One pair after the other, nothing shared but the numbers of equal strings."""
    found = Plain([], [], {}, set(), set())
    for c, *both in sorted(set(pairs)):
        raw = [response_ids(tokenizer, [contexts[c]], [responses[r]])[0] for r in both]
        whole = prompt_ids(tokenizer, [contexts[c]])[0]
        prompt = _fitted(tokenizer, contexts[c], whole, max(map(len, raw)), window)
        number = _number(found.prompts, prompt)
        kept = [ids[: window - len(prompt)] for ids in raw]
        keys = [(number, _number(found.responses, ids)) for ids in kept]
        found.pairs[c, both[0], both[1]] = (keys[0], keys[1])
        found.cut_contexts.update(keys if prompt != whole else ())
        found.cut_responses.update(key for key, ids, cut in zip(keys, raw, kept, strict=True) if ids != cut)
    return found


def _fitted(tokenizer: Any, context: Context, ids: list[int], longest: int, window: int) -> list[int]:
    while len(ids) + longest > window and without_oldest_turn(context) != context:
        context = without_oldest_turn(context)
        ids = prompt_ids(tokenizer, [context])[0]
    room = window - min(longest, window // 2)
    if len(ids) <= room:
        return ids
    return [ids[0], *ids[len(ids) - room + 1 :]] if ids[0] == tokenizer.bos_token_id else ids[-room:]


def _number(strings: list[list[int]], ids: list[int]) -> int:
    if ids not in strings:
        strings.append(ids)
    return strings.index(ids)
