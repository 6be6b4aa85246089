"""From texts to tokens to micro-batches.

Length never drops a pair. Both responses of a pair follow the same prompt, and it is fitted to that pair alone:
to the longer of its two responses, of c tokens, inside a window of L tokens:

1. the oldest turns are dropped, a system message is kept, until prompt + c ≤ L or only the last message is left;
2. a prompt that still leaves less than min(c, L/2) tokens loses its start (BOS is kept);
3. a response that does not fit into what the prompt leaves loses its end, and with it its EOS.

So what a pair trains on does not depend on which other pairs a run has. A sequence is a prompt and a response *as
fitted*: pairs whose tokens are the same share it, and what was cut is counted by sequence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.chat import prompt_ids, response_ids
from core.types import Condition, Context, PreferencePairs

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
Ids = NDArray[np.int32]
"""Token ids of a prompt or a response."""

Pair = tuple[int, int, int]
"""A pair of texts: index of its context and of its two responses in the pairs, the smaller one first."""

Key = tuple[int, int]
"""A sequence: index of its prompt and of its response in `Tokens`."""

_TOKENISE_AT_ONCE = 512


@dataclass(frozen=True)
class Tokens:
    """Token ids of pairs as fitted, and how many sequences were cut.

    prompts and responses are distinct; pairs gives the sequences of a pair, in the order of its responses; no sequence
    is longer than window, L.
    """

    prompts: Sequence[Ids]
    responses: Sequence[Ids]
    pairs: Mapping[Pair, tuple[Key, Key]]
    cut_contexts: int
    cut_responses: int
    window: int

    def sequences(self) -> list[Key]:
        """The distinct sequences of all pairs, in ascending order."""
        return sorted({key for keys in self.pairs.values() for key in keys})

    def keys(self, context: int, first: int, second: int) -> tuple[Key, Key]:
        """The sequences of two responses that are compared after a context."""
        if first <= second:
            return self.pairs[context, first, second]
        smaller, larger = self.pairs[context, second, first]
        return larger, smaller

    def length(self, key: Key) -> int:
        """Tokens of prompt and response together."""
        return len(self.prompts[key[0]]) + len(self.responses[key[1]])

    def width(self, sequences: Iterable[Key], multiple: int) -> int:
        """Columns of a batch: its longest sequence, rounded up to a multiple within the window."""
        longest = max(map(self.length, sequences))
        return max(longest, min(self.window, -(-longest // multiple) * multiple))

    def batch(self, sequences: Sequence[Key], pad: int, multiple: int) -> dict[str, torch.Tensor]:
        """Some sequences as tensors; see `padded` and `width`."""
        return padded([self.ids(key) for key in sequences], pad, self.width(sequences, multiple))

    def ids(self, key: Key) -> tuple[Ids, Ids]:
        """(prompt, response) of one sequence."""
        return self.prompts[key[0]], self.responses[key[1]]

    def digest(self, key: Key) -> str:
        """SHA-256 of a sequence: length of the prompt, its tokens, those of the response, as little-endian int32."""
        prompt, response = self.ids(key)
        parts = (np.array([len(prompt)]), prompt, response)
        return hashlib.sha256(b"".join(part.astype("<i4").tobytes() for part in parts)).hexdigest()


def scheduled_pairs(pairs: PreferencePairs, conditions: Iterable[Condition]) -> list[Pair]:
    """The distinct pairs of texts that any schedule uses, in ascending order."""
    used = [condition.schedule.ravel() for condition in conditions]
    return every_pair(pairs, np.unique(np.concatenate(used)) if used else np.empty(0, dtype=np.int32))


def every_pair(pairs: PreferencePairs, indices: NDArray[np.int32] | slice = slice(None)) -> list[Pair]:
    """The distinct pairs of texts of some preference pairs, or of all, in ascending order."""
    chosen, rejected = pairs.chosen[indices], pairs.rejected[indices]
    columns = [pairs.context[indices], np.minimum(chosen, rejected), np.maximum(chosen, rejected)]
    return [(int(c), int(a), int(b)) for c, a, b in np.unique(np.stack(columns, axis=1), axis=0)]


def every_response(pairs: PreferencePairs) -> list[Pair]:
    """The distinct (context, response) of all pairs in ascending order, each as a pair with itself."""
    contexts = np.concatenate([pairs.context, pairs.context])
    responses = np.concatenate([pairs.chosen, pairs.rejected])
    distinct = np.unique(np.stack([contexts, responses], axis=1), axis=0)
    return [(int(c), int(r), int(r)) for c, r in distinct]


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
    wanted_responses = sorted({r for _, *both in pairs for r in both})
    total = len(wanted_contexts) + len(wanted_responses)
    raw: dict[int, list[int]] = {}
    for chunk in _chunks(wanted_responses):
        raw.update(zip(chunk, response_ids(tokenizer, [responses[r] for r in chunk]), strict=True))
        progress(len(raw), total)
    whole: dict[int, list[int]] = {}
    for chunk in _chunks(wanted_contexts):
        whole.update(zip(chunk, prompt_ids(tokenizer, [contexts[c] for c in chunk]), strict=True))
        progress(len(raw) + len(whole), total)
    longer = {pair: max(len(raw[pair[1]]), len(raw[pair[2]])) for pair in pairs}
    wanted = sorted({(c, longer[c, a, b]) for c, a, b in pairs})
    too_long = [(c, n) for c, n in wanted if len(whole[c]) + n > max_length]
    fitted: dict[tuple[int, int], list[int]] = {}
    for part in _chunks(too_long):
        again = fit_prompts(tokenizer, [contexts[c] for c, _ in part], [n for _, n in part], max_length)
        fitted.update(zip(part, again, strict=True))
    return _joined({pair: (whole[pair[0]], fitted.get((pair[0], longer[pair]))) for pair in pairs}, raw, max_length)


def _joined(
    prompts: Mapping[Pair, tuple[list[int], list[int] | None]], raw: Mapping[int, list[int]], max_length: int
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
        for response in (raw[r] for r in pair[1:]):
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

    `input_ids`, `attention_mask`, `completion_mask`: (2m, T), chosen rows first, padded right; T as `Tokens.width`
    rounds it up to `multiple`.
    `ref_chosen_logps`, `ref_rejected_logps`: (m,) float32, nats. `weight`: (m,) float64, ω.
    """

    rows: Rows
    tokens: Tokens
    reference: Mapping[Key, float]
    pad: int
    multiple: int

    def keys(self, numbers: Iterable[int]) -> tuple[list[Key], list[Key]]:
        """The chosen and the rejected sequences of some rows."""
        rows = self.rows
        both = [self.tokens.keys(int(rows.context[i]), int(rows.chosen[i]), int(rows.rejected[i])) for i in numbers]
        return [chosen for chosen, _ in both], [rejected for _, rejected in both]

    def __call__(self, examples: Sequence[Mapping[str, int]]) -> dict[str, torch.Tensor]:
        import torch

        numbers = [example["row"] for example in examples]
        chosen, rejected = self.keys(numbers)
        batch = self.tokens.batch(chosen + rejected, self.pad, self.multiple)
        batch["ref_chosen_logps"] = torch.tensor([self.reference[key] for key in chosen], dtype=torch.float32)
        batch["ref_rejected_logps"] = torch.tensor([self.reference[key] for key in rejected], dtype=torch.float32)
        batch["weight"] = torch.from_numpy(self.rows.weight[numbers])
        return batch


def padded(sequences: Sequence[tuple[Ids, Ids]], pad: int, width: int | None = None) -> dict[str, torch.Tensor]:
    """Sequences as tensors of shape (B, width), int64, padded right; completion_mask is 1 on response tokens.

    Args:
        width: columns T; those of the longest sequence unless stated.
    """
    import torch

    shape = (len(sequences), width or max(len(prompt) + len(response) for prompt, response in sequences))
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


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), _TOKENISE_AT_ONCE):
        yield items[start : start + _TOKENISE_AT_ONCE]
