"""The pairs with their texts as a file: JSON Lines in UTF-8, readable without this program.

The lines, in this order (all numbers count from 0; the header says how many lines of each follow):

    {"format":"dempo-pairs","version":1,"raters":R,"texts":T,"contexts":C,"pairs":P}
    {"locale":"us","us_rep":true,"attributes":{"gender":"Female"}}     R times, rater 0, 1, …
    {"text":"…"}                                                       T times, distinct
    {"messages":[["user",0],["assistant",3],["user",4]]}               C times, roles and numbers of texts
    {"rater":0,"context":0,"chosen":1,"rejected":2}                    P times, the last two are texts

Raters are in the order of their source ids; the event `pairs.built` lists their pseudonyms in that
order. The file holds no pseudonym, so the same data gives the same file in every run. It is not
compressed: libraries compress differently, and then equal pairs would have different hashes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np

from core.data.pairing import PairTable
from core.errors import InputError
from core.facts.formats import PAIRS_LAYOUT
from core.types import Context, Message, PreferencePairs, Rater

T = TypeVar("T")


def encode_pairs(table: PairTable) -> bytes:
    """The file's bytes, a function of the table alone."""
    body = io.BytesIO()
    for line in _lines(table):
        body.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode())
        body.write(b"\n")
    return body.getvalue()


def _lines(table: PairTable) -> Iterator[dict[str, Any]]:
    yield {
        **PAIRS_LAYOUT,
        "raters": len(table.raters),
        "texts": len(table.texts),
        "contexts": len(table.contexts),
        "pairs": len(table),
    }
    for person in table.raters:
        yield {"locale": person.locale, "us_rep": person.us_rep, "attributes": person.attributes}
    for text in table.texts:
        yield {"text": text}
    for messages in table.contexts:
        yield {"messages": [(("user", "assistant")[i % 2], text) for i, text in enumerate(messages)]}
    for rater, context, chosen, rejected in zip(table.rater, table.context, table.chosen, table.rejected, strict=True):
        yield {"rater": rater, "context": context, "chosen": chosen, "rejected": rejected}


def decode_pairs(body: bytes, rater_ids: Sequence[str]) -> PreferencePairs:
    """The pairs; `responses` are the texts that pairs choose or reject, in the file's order.

    Raises:
        InputError: the file is of another format or version.
    """
    stream = io.BytesIO(body)
    head = json.loads(stream.readline())
    if any(head.get(name) != value for name, value in PAIRS_LAYOUT.items()):
        raise InputError(
            f"the file of pairs is of format {head.get('format')!r}, version {head.get('version')!r}; this program "
            f"reads {PAIRS_LAYOUT['format']!r}, version {PAIRS_LAYOUT['version']}: use the version of dempo that "
            "recorded the run"
        )
    raters = _read(stream, head["raters"], lambda line: line)
    texts: list[str] = _read(stream, head["texts"], lambda line: line["text"])

    @cache
    def message(role: Any, text: int) -> Message:
        """Made once for each role and text: contexts of a conversation share theirs."""
        return Message(role, texts[text])

    contexts: list[Context] = _read(
        stream, head["contexts"], lambda line: tuple(message(role, text) for role, text in line["messages"])
    )
    pairs = np.array(
        _read(stream, head["pairs"], lambda p: (p["rater"], p["context"], p["chosen"], p["rejected"])), dtype=np.int32
    ).reshape(-1, 4)
    used, numbers = np.unique(pairs[:, 2:].ravel(), return_inverse=True)
    answers = numbers.astype(np.int32).reshape(-1, 2)
    return PreferencePairs(
        raters=tuple(
            Rater(rater_id, line["attributes"], line["locale"], line["us_rep"])
            for rater_id, line in zip(rater_ids, raters, strict=True)
        ),
        contexts=tuple(contexts),
        responses=tuple(texts[i] for i in used),
        rater=pairs[:, 0].copy(),
        context=pairs[:, 1].copy(),
        chosen=answers[:, 0].copy(),
        rejected=answers[:, 1].copy(),
    )


def _read(stream: io.BytesIO, count: int, take: Callable[[Any], T]) -> list[T]:
    return [take(json.loads(stream.readline())) for _ in range(count)]
