"""The file of the tokens: every table of it, against what is recorded, the schedules and the reference.

That the tokens are those of the texts takes the tokenizer to see: a replay of `train` makes them again.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.facts.plural import number_of
from core.facts.training.rules import REFERENCE_RULE
from core.facts.training.token_file import (
    CUT_CONTEXT,
    CUT_RESPONSE,
    HEADER_BYTES,
    PAIR_COLUMNS,
    TOKENS_COUNTS,
    TOKENS_FORMAT,
    TOKENS_TYPE,
    token_tables,
)
from storage.verifier.contents.artifact_files import artifact_file
from storage.verifier.contents.whole import is_plain_file
from storage.verifier.ground.finding import Finding, brief, broken, rule_of, same, spend, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.reference import LARGEST_REFERENCE, most_sequences
from storage.verifier.training.scheduled import scheduled_texts

LARGEST_TOKENS = 4 * 1024**3
"""Bytes of the file that are read: three million pairs as long as PRISM's, and minutes."""

THE_FILE = "the file of the tokens"


def check_tokens(record: Record) -> str:
    """The file of the tokens is as long as recorded and numbered as it is written; no sequence is longer than the
    window, each that lost the end of its response fills it, and as many are cut as the events say. All pairs of the
    schedules are among its pairs, and its sequences are those that the reference scored."""
    whole(record)
    found = record.counted("tokens.made")
    if not found:
        return "no tokens are recorded"
    event = found[0]
    _check_as_recorded(record, event)
    path = artifact_file(record, event.values["artifact"], TOKENS_TYPE, THE_FILE, event.seq)
    if path.stat().st_size > LARGEST_TOKENS:
        raise Finding("unknown", f"{THE_FILE} is larger than what is read here", event.seq)
    spend(record, sum(event.values[name] for name in ("prompts", "responses", "pairs", "sequences")))
    with path.open("rb", buffering=0) as stream:
        tables = _read_tables(stream, path.stat().st_size, event)
        _check_numbers(tables, event)
        _check_lengths(tables, event)
        scored = _check_digests(record, stream, tables)
    pairs = _check_scheduled(record, tables, event)
    told = f"{number_of(event.values['tokens'], 'token')} in {number_of(event.values['sequences'], 'sequence')}"
    return f"{told} within the window{scored}{pairs}; whether they are those of the texts takes the tokenizer"


def _check_as_recorded(record: Record, event: Found) -> None:
    """What events say of the tokens, whether the file is here or not."""
    values, seq = event.values, event.seq
    rule_of(event, REFERENCE_RULE, "what was cut of the texts")
    train = record.genesis["config"].get("train") or {}
    same(values["window"], train.get("max_length"), "the window of the tokens", seq)
    for ready in record.counted("model.ready"):
        same(values["template"], ready.values["template"], "the chat template of the tokens", seq)
    for name in ("cut_contexts", "cut_responses"):
        if values[name] > values["sequences"]:
            raise broken(f"of {values['sequences']} sequences of tokens {values[name]} are {name}", seq)
    most = most_sequences(record)
    if most is not None and values["sequences"] > most:
        raise broken(f"the tokens are of {values['sequences']} sequences; the schedules can need {most} at most", seq)
    for scored in record.counted("reference.computed"):
        for name in ("sequences", "cut_contexts", "cut_responses"):
            same(scored.values[name], values[name], f"the reference: {name}", scored.seq)


# ------------------------------------------------------------ the file


@dataclass(frozen=True)
class TokenTables:
    """The tables of the file but its token ids, which begin at byte `ids`; the columns of pairs and sequences."""

    offsets: Any
    pairs: list[Any]
    sequences: list[Any]
    cut: bytes
    prompts: int
    ids: int

    def length(self, string: int) -> int:
        """Tokens of a string; responses come after the prompts."""
        length: int = self.offsets[string + 1] - self.offsets[string]
        return length

    def read(self, stream: Any, string: int) -> bytes:
        """The tokens of a string."""
        stream.seek(self.ids + 4 * self.offsets[string])
        body: bytes = stream.read(4 * self.length(string))
        return body


def _read_tables(stream: Any, size: int, event: Found) -> TokenTables:
    header = json.loads(stream.read(HEADER_BYTES))
    same(header.get("format"), TOKENS_FORMAT, f"{THE_FILE}: its format", event.seq)
    for name in TOKENS_COUNTS:
        same(header.get(name), event.values[name], f"{THE_FILE}: its {name}", event.seq)
    places = token_tables(header)
    same(size, places["cut"][1], f"{THE_FILE}: its bytes", event.seq)
    (offsets,) = _columns(stream, places["offsets"], "q", 1)
    start, end = places["cut"]
    stream.seek(start)
    return TokenTables(
        offsets=offsets,
        pairs=_columns(stream, places["pairs"], "i", PAIR_COLUMNS),
        sequences=_columns(stream, places["sequences"], "i", 2),
        cut=_exactly(stream, (start, end)),
        prompts=header["prompts"],
        ids=places["ids"][0],
    )


def _columns(stream: Any, place: tuple[int, int], kind: str, count: int) -> list[Any]:
    """The columns of a table of little-endian numbers."""
    numbers = array(kind)
    numbers.frombytes(_exactly(stream, place))
    if sys.byteorder == "big":
        numbers.byteswap()
    rows = len(numbers) // count
    return [numbers[i * rows : (i + 1) * rows] for i in range(count)]


def _exactly(stream: Any, place: tuple[int, int]) -> bytes:
    """The bytes of a part of the file; a read of a large part may bring less than all of it."""
    start, end = place
    stream.seek(start)
    body = bytearray()
    while len(body) < end - start:
        piece = stream.read(end - start - len(body))
        if not piece:
            raise EOFError(f"{THE_FILE} ends too early")
        body += piece
    return bytes(body)


def _check_numbers(tables: TokenTables, event: Found) -> None:
    """Strings are numbered as the pairs need them, and the sequences are those of the pairs, all in their order."""
    seq = event.seq
    offsets = tables.offsets
    if offsets[0] != 0 or offsets[-1] != event.values["tokens"] or any(map(int.__lt__, offsets[1:], offsets)):
        raise broken(f"{THE_FILE}: its token strings do not lie one behind the other", seq)
    before, prompts, responses = (-1, -1, -1), 0, 0
    keys = set()
    for context, first, second, prompt, one, other in zip(*tables.pairs, strict=True):
        if not before < (context, first, second) or not 0 <= first <= second:
            raise broken(f"{THE_FILE}: its pairs are not in ascending order, each once", seq)
        before = (context, first, second)
        for number, known in ((prompt, prompts), (one, responses), (other, max(responses, one + 1))):
            if not 0 <= number <= known:
                raise broken(f"{THE_FILE}: its strings are not numbered in the order in which pairs need them", seq)
        prompts, responses = max(prompts, prompt + 1), max(responses, one + 1, other + 1)
        keys |= {(prompt, one), (prompt, other)}
    same(prompts, event.values["prompts"], f"{THE_FILE}: the prompts of its pairs", seq)
    same(responses, event.values["responses"], f"{THE_FILE}: the responses of its pairs", seq)
    if sorted(keys) != list(zip(*tables.sequences, strict=True)):
        raise broken(f"{THE_FILE}: its sequences are not those of its pairs, each once and in ascending order", seq)


def _check_lengths(tables: TokenTables, event: Found) -> None:
    """Every sequence has a response and fits into the window; one whose response was cut fills it."""
    values, seq = event.values, event.seq
    for prompt, response, mark in zip(*tables.sequences, tables.cut, strict=True):
        kept = tables.length(tables.prompts + response)
        length = tables.length(prompt) + kept
        if not 0 < kept <= length <= values["window"]:
            raise broken(f"{THE_FILE}: a sequence has {length} tokens, {kept} of them of its response", seq)
        if mark > CUT_CONTEXT + CUT_RESPONSE or (mark & CUT_RESPONSE and length < values["window"]):
            raise broken(f"{THE_FILE}: a sequence of {length} tokens is marked {mark}, as if it did not fit", seq)
    for name, mark in (("cut_contexts", CUT_CONTEXT), ("cut_responses", CUT_RESPONSE)):
        same(values[name], sum(bool(found & mark) for found in tables.cut), f"{THE_FILE}: its {name}", seq)


def _check_digests(record: Record, stream: Any, tables: TokenTables) -> str:
    """The reference scored these sequences and no others, where its file is here."""
    for scored in record.counted("reference.computed"):
        path = record.root / "artifacts" / scored.values["artifact"]["sha256"]
        if is_plain_file(path) and path.stat().st_size <= LARGEST_REFERENCE:
            rows = json.loads(path.read_bytes())["rows"]
            if sorted(key for key, _ in rows) != sorted(_digests(stream, tables)):
                raise broken("the reference was scored for other sequences than those of the tokens", scored.seq)
            return ", those that the reference scored"
    return ""


def _digests(stream: Any, tables: TokenTables) -> Iterator[str]:
    """SHA-256 of each sequence: length of the prompt, its tokens, those of the response, as little-endian int32."""
    last, begun = -1, hashlib.sha256()
    for prompt, response in zip(*tables.sequences, strict=True):
        if prompt != last:
            last = prompt
            begun = hashlib.sha256(struct.pack("<i", tables.length(prompt)) + tables.read(stream, prompt))
        state = begun.copy()
        state.update(tables.read(stream, tables.prompts + response))
        yield state.hexdigest()


def _check_scheduled(record: Record, tables: TokenTables, event: Found) -> str:
    """Every pair that a schedule takes has its tokens, where the pairs and the schedules are here."""
    wanted = scheduled_texts(record)
    if wanted is None:
        return "; which pairs the schedules take was not compared, since their files are not here"
    lacking = wanted.difference(zip(*tables.pairs[:3], strict=True))
    if lacking:
        raise broken(f"{THE_FILE} holds no tokens of the scheduled pair {brief(min(lacking))}", event.seq)
    return f", of all {number_of(len(wanted), 'pair')} of the schedules"
