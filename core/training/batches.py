"""From texts to tokens to micro-batches.

Length never drops a pair. Both responses of a pair follow the same prompt, so a prompt is fitted once per
context, to the longest response c that follows it anywhere in the data, inside a window of L tokens:

1. the oldest turns are dropped, a system message is kept, until prompt + c ≤ L or only the last message is left;
2. a prompt that still leaves less than min(c, L/2) tokens loses its start (BOS is kept);
3. a response that does not fit into what the prompt leaves loses its end, and with it its EOS.

What was cut is counted by sequence, that is, by distinct (context, response).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.chat import prompt_ids, response_ids
from core.types import Condition, Context, PreferencePairs

if TYPE_CHECKING:
    import torch

Key = tuple[int, int]
"""A sequence: index of its context and of its response in the pairs."""

_TOKENISE_AT_ONCE = 512


@dataclass(frozen=True)
class Tokens:
    """Token ids of every sequence, and how many sequences were cut."""

    prompts: Mapping[int, NDArray[np.int32]]
    responses: Mapping[Key, NDArray[np.int32]]
    cut_contexts: int
    cut_responses: int

    def length(self, key: Key) -> int:
        """Tokens of prompt and response together."""
        return len(self.prompts[key[0]]) + len(self.responses[key])

    def ids(self, key: Key) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """(prompt, response) of one sequence."""
        return self.prompts[key[0]], self.responses[key]


def scheduled_sequences(pairs: PreferencePairs, conditions: Iterable[Condition]) -> list[Key]:
    """The distinct (context, response) that any schedule uses, in ascending order."""
    used = [condition.schedule.ravel() for condition in conditions]
    return sequences_of(pairs, np.unique(np.concatenate(used)) if used else np.empty(0, dtype=np.int32))


def sequences_of(pairs: PreferencePairs, indices: NDArray[np.int32]) -> list[Key]:
    """The distinct (context, response) of some pairs, chosen and rejected alike, in ascending order."""
    contexts = np.concatenate([pairs.context[indices], pairs.context[indices]])
    responses = np.concatenate([pairs.chosen[indices], pairs.rejected[indices]])
    distinct = np.unique(np.stack([contexts, responses], axis=1), axis=0)
    return [(int(c), int(r)) for c, r in distinct]


def tokenise(
    tokenizer: Any,
    contexts: Sequence[Context],
    responses: Sequence[str],
    sequences: Sequence[Key],
    max_length: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tokens:
    """Tokens of the sequences, each at most `max_length` long and with at least one response token.

    Args:
        contexts, responses: distinct texts, indexed by the sequences.
        max_length: window L in tokens, prompt and response together.
        progress: called with texts done and texts in all.
    """
    wanted_contexts = sorted({c for c, _ in sequences})
    wanted_responses = sorted({r for _, r in sequences})
    total = len(wanted_contexts) + len(wanted_responses)
    raw: dict[int, list[int]] = {}
    for chunk in _chunks(wanted_responses):
        raw.update(zip(chunk, response_ids(tokenizer, [responses[r] for r in chunk]), strict=True))
        progress(len(raw), total)
    longest: dict[int, int] = {}
    for c, r in sequences:
        longest[c] = max(longest.get(c, 0), len(raw[r]))
    prompts: dict[int, NDArray[np.int32]] = {}
    cut: set[int] = set()
    for chunk in _chunks(wanted_contexts):
        fitted = fit_prompts(tokenizer, [contexts[c] for c in chunk], [longest[c] for c in chunk], max_length)
        for c, (ids, shortened) in zip(chunk, fitted, strict=True):
            prompts[c] = np.array(ids, dtype=np.int32)
            if shortened:
                cut.add(c)
        progress(len(wanted_responses) + len(prompts), total)
    kept = {(c, r): np.array(raw[r][: max_length - len(prompts[c])], dtype=np.int32) for c, r in sequences}
    return Tokens(
        prompts=prompts,
        responses=kept,
        cut_contexts=sum(c in cut for c, _ in sequences),
        cut_responses=sum(len(kept[c, r]) < len(raw[r]) for c, r in sequences),
    )


def fit_prompts(
    tokenizer: Any, contexts: Sequence[Context], longest: Sequence[int], max_length: int
) -> list[tuple[list[int], bool]]:
    """(tokens, whether anything was cut) of each prompt, after steps 1 and 2 of the module's rule.

    All prompts that are too long lose one turn and are tokenised together, until none can lose another.

    Args:
        longest: tokens of the longest response that follows each prompt.
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
    found = []
    for i, context in enumerate(contexts):
        room = max_length - min(longest[i], max_length // 2)
        found.append((_last(tokenizer, ids[i], room), len(ids[i]) > room or current[i] != context))
    return found


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


@dataclass(frozen=True)
class Rows:
    """One row per scheduled pair, in the schedule's order; all arrays have shape (steps · batch,)."""

    context: NDArray[np.int32]
    chosen: NDArray[np.int32]
    rejected: NDArray[np.int32]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.context)


def rows_of(condition: Condition, pairs: PreferencePairs) -> Rows:
    """The rows a condition trains on, with chosen and rejected exchanged where a citizen says so.

    weight is ω = w_r / N_r for `step_normalised`; with `weighted_sampling` ω has done its work in the
    schedule, so every row counts one.
    """
    p = condition.schedule.ravel()
    flip = condition.flipped.ravel()
    chosen, rejected = pairs.chosen[p], pairs.rejected[p]
    if condition.estimator == "weighted_sampling":
        weight = np.ones(len(p), dtype=np.float64)
    else:
        r = pairs.rater[p]
        weight = condition.weight[r] / condition.pairs_of_rater[r]
    return Rows(
        context=pairs.context[p],
        chosen=np.where(flip, rejected, chosen),
        rejected=np.where(flip, chosen, rejected),
        weight=weight,
    )


@dataclass(frozen=True)
class PairCollator:
    """Turns row numbers into a micro-batch of m pairs, in the layout of TRL's preference collator.

    `input_ids`, `attention_mask`, `completion_mask`: (2m, T), chosen rows first, padded right.
    `ref_chosen_logps`, `ref_rejected_logps`: (m,) float32, nats. `weight`: (m,) float64, ω.
    """

    rows: Rows
    tokens: Tokens
    reference: Mapping[Key, float]
    pad: int

    def __call__(self, examples: Sequence[Mapping[str, int]]) -> dict[str, torch.Tensor]:
        import torch

        numbers = [example["row"] for example in examples]
        context = [int(self.rows.context[i]) for i in numbers]
        chosen = [(c, int(self.rows.chosen[i])) for c, i in zip(context, numbers, strict=True)]
        rejected = [(c, int(self.rows.rejected[i])) for c, i in zip(context, numbers, strict=True)]
        batch = padded([self.tokens.ids(key) for key in chosen + rejected], self.pad)
        batch["ref_chosen_logps"] = torch.tensor([self.reference[key] for key in chosen], dtype=torch.float32)
        batch["ref_rejected_logps"] = torch.tensor([self.reference[key] for key in rejected], dtype=torch.float32)
        batch["weight"] = torch.from_numpy(self.rows.weight[numbers])
        return batch


def padded(sequences: Sequence[tuple[NDArray[np.int32], NDArray[np.int32]]], pad: int) -> dict[str, torch.Tensor]:
    """Sequences as tensors of shape (B, T), int64, padded right; completion_mask is 1 on response tokens."""
    import torch

    width = max(len(prompt) + len(response) for prompt, response in sequences)
    shape = (len(sequences), width)
    ids = np.full(shape, pad, dtype=np.int64)
    attention = np.zeros(shape, dtype=np.int64)
    completion = np.zeros(shape, dtype=np.int64)
    for i, (prompt, response) in enumerate(sequences):
        start, end = len(prompt), len(prompt) + len(response)
        ids[i, :start] = prompt
        ids[i, start:end] = response
        attention[i, :end] = 1
        completion[i, start:end] = 1
    arrays = {"input_ids": ids, "attention_mask": attention, "completion_mask": completion}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _chunks(items: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(items), _TOKENISE_AT_ONCE):
        yield items[start : start + _TOKENISE_AT_ONCE]
