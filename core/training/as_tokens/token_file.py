"""The file of a run's tokens, written as a stream and read where it lies (`core.facts.training.token_file`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.errors import InputError
from core.facts.training.token_file import (
    HEADER_BYTES,
    PAIR_COLUMNS,
    SEQUENCE_COLUMNS,
    TOKENS_COUNTS,
    TOKENS_FORMAT,
    token_tables,
)
from core.training.as_tokens.tokens import Tokens, TokenStrings


def write_tokens(tokens: Tokens, stream: BinaryIO) -> None:
    """Writes the file; no more than one of its token strings is copied at a time."""
    lengths = np.concatenate([tokens.prompts.lengths, tokens.responses.lengths])
    header = json.dumps({"format": TOKENS_FORMAT} | counts_of(tokens), separators=(",", ":"))
    stream.write(header.ljust(HEADER_BYTES - 1).encode() + b"\n")
    stream.write(np.concatenate([[0], np.cumsum(lengths)]).astype("<i8").tobytes())
    stream.write(tokens.pairs.astype("<i4").tobytes())
    stream.write(tokens.ordered.astype("<i4").tobytes())
    for strings in (tokens.prompts, tokens.responses):
        for number in range(len(strings)):
            stream.write(strings[number].astype("<i4").tobytes())
    stream.write(tokens.cut.tobytes())


def counts_of(tokens: Tokens) -> dict[str, int]:
    """The numbers of the header: the window, distinct prompts and responses, pairs, distinct sequences, and token ids
    in all strings together."""
    held = int(tokens.prompts.lengths.sum() + tokens.responses.lengths.sum())
    shape = len(tokens.prompts), len(tokens.responses), tokens.pairs.shape[1], len(tokens.cut)
    return dict(zip(TOKENS_COUNTS, (tokens.window, *shape, held), strict=True))


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file whose hash was checked. Its numbers stay in the file until they are asked for.

    Raises:
        InputError: it is of another format.
    """
    with path.open("rb") as stream:
        header = json.loads(stream.read(HEADER_BYTES))
    if header["format"] != TOKENS_FORMAT:
        raise InputError(f"tokens of format {header['format']!r} cannot be read; this program reads {TOKENS_FORMAT}")
    body = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    table = {name: body[start:end] for name, (start, end) in token_tables(header).items()}
    offsets, ids = table["offsets"].view("<i8"), table["ids"].view("<i4")
    prompts = header["prompts"]
    starts, lengths = offsets[:-1], np.diff(offsets)
    return Tokens(
        prompts=TokenStrings(ids, starts[:prompts], lengths[:prompts]),
        responses=TokenStrings(ids, starts[prompts:], lengths[prompts:]),
        pairs=table["pairs"].view("<i4").reshape(PAIR_COLUMNS, -1),
        ordered=table["sequences"].view("<i4").reshape(SEQUENCE_COLUMNS, -1),
        cut=table["cut"],
        window=header["window"],
    )
