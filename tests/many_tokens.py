"""Tokenises a world of many pairs as the stage does, and says what that took; run by tests, or by hand:

python tests/many_tokens.py PAIRS FOLDER [--counted]

With --counted no tokenizer reads the texts, which are the numbers of their tokens: as many ids come back as lists, in a
tenth of the time. Lengths are those of `data/pair_lengths.csv`, three pairs of three responses to a context. Texts are
made when they are asked for, so that of them no more is held than what is tokenised at once: a run's own come on top.
Prints a line of JSON: bytes of memory at most, before (with the libraries) and after; seconds of CPU; the file's bytes.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

from core.chat import install
from core.durable import written_by_content
from core.training.as_tokens import fitting
from core.training.as_tokens.fitting import tokenise
from core.training.as_tokens.token_file import counts_of, read_tokens, write_tokens
from core.training.prediction.peak import most_resident
from core.types import Context, Message

T = TypeVar("T")

LENGTHS = Path(__file__).resolve().parent / "data" / "pair_lengths.csv"
VOCABULARY = 5_000
WINDOW = 1_024
TURN = 400
"""Words of a prompt for which it is a question and an answer longer."""


class Made(Sequence[T], Generic[T]):
    """A sequence of which every item is made when it is asked for."""

    def __init__(self, size: int, make: Callable[[int], T]) -> None:
        self._size, self._make = size, make

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[T]: ...
    def __getitem__(self, number: int | slice) -> T | Sequence[T]:
        return self._make(number) if isinstance(number, int) else [self._make(i) for i in range(self._size)[number]]


def counted(number: int, length: int) -> str:
    """What stands for such a text where no tokenizer reads it."""
    return f"{number} {length}"


def counted_ids(text: str) -> list[int]:
    """As many ids, which no other text has."""
    number, length = map(int, text.split())
    first = 300 + number % VOCABULARY
    return [300 + number // VOCABULARY, *range(first, first + length - 1)]


def count() -> None:
    """From here on texts are what `counted` makes."""
    fitting.response_ids = lambda tokenizer, contexts, texts: [counted_ids(text) for text in texts]
    fitting.prompt_ids = lambda tokenizer, contexts: [
        [i for message in context for i in counted_ids(message.content)] for context in contexts
    ]


def words(number: int, length: int) -> str:
    """A text of its own of that many words, two of which say which one it is."""
    first = 7_919 * number % VOCABULARY
    named = [f"w{number % VOCABULARY}", f"w{number // VOCABULARY % VOCABULARY}"]
    return " ".join([*named, *(f"w{(first + i * i) % VOCABULARY}" for i in range(length - 2))])


def make_texts(pairs: int, text: Callable[[int, int], str]) -> tuple[Sequence[Context], Sequence[str], Any]:
    """Contexts, responses and the pairs of them."""
    with LENGTHS.open(newline="") as file:
        rows = [[int(row[k]) for k in ("prompt", "chosen", "rejected")] for row in csv.DictReader(file)]

    def context(number: int) -> Context:
        length = rows[number % len(rows)][0]
        turns = 2 * (length // TURN) + 1
        said = (text(number + i, max(3, length // turns)) for i in range(turns))
        return tuple(Message("assistant" if i % 2 else "user", one) for i, one in enumerate(said))

    def response(number: int) -> str:
        return text(number, max(3, rows[number // 3 % len(rows)][1 + number % 2]))

    contexts = -(-pairs // 3)
    every = np.arange(contexts, dtype=np.int32)
    columns = [np.stack([every, 3 * every + a, 3 * every + b], axis=1) for a, b in ((0, 1), (0, 2), (1, 2))]
    return Made(contexts, context), Made(3 * contexts, response), np.concatenate(columns)[:pairs]


def make_tokenizer() -> Any:
    """A token for every word."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "</s>", "<unk>", "User", "Assistant", ":", *(f"w{i}" for i in range(VOCABULARY))]
    model = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    model.pre_tokenizer = pre_tokenizers.Whitespace()
    model.add_special_tokens(["<s>", "</s>"])
    made = PreTrainedTokenizerFast(tokenizer_object=model, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    return install(made)


def main() -> None:
    pairs, folder = int(sys.argv[1]), Path(sys.argv[2])
    tokenizer, text = make_tokenizer(), words
    if "--counted" in sys.argv:
        count()
        text = counted
    contexts, responses, table = make_texts(30, text)
    tokenise(tokenizer, contexts, responses, table, WINDOW, beside=folder)
    before, begun = most_resident(), time.process_time()
    contexts, responses, table = make_texts(pairs, text)
    made = tokenise(tokenizer, contexts, responses, table, WINDOW, beside=folder)
    tokenised = most_resident()
    name, size = written_by_content(folder, partial(write_tokens, made))
    told = {"before": before, "tokenised": tokenised, "written": most_resident(), "file": size, **counts_of(made)}
    del made
    read = read_tokens(folder / name)
    for key in zip(*read.ordered.tolist(), strict=True):
        read.digest(key)
    cut = {"cut_contexts": read.cut_contexts, "cut_responses": read.cut_responses}
    print(json.dumps({**told, **cut, "peak": most_resident(), "seconds": round(time.process_time() - begun, 1)}))


if __name__ == "__main__":
    main()
