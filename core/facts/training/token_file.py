"""The file of a run's tokens: one line of JSON, and behind it five tables of little-endian numbers.

    {"format":"dempo-tokens-1","window":L,"prompts":X,"responses":Y,"pairs":P,"sequences":S,"tokens":N}
    offsets     int64   X + Y + 1   where each token string begins in `ids`, and N; the prompts, then the responses
    pairs       int32   6 columns of P: context and two responses as the pairs are numbered, the smaller one first;
                        and which prompt and which two responses of this file they became
    sequences   int32   2 columns of S: prompt and response; each once, in ascending order
    ids         int32   N token ids
    cut         uint8   S: what of each sequence was cut, CUT_CONTEXT and CUT_RESPONSE added together

The line is filled up with blanks to HEADER_BYTES, so that every table begins where its numbers may be read in place.
Strings are numbered in the order in which the pairs, which are in ascending order, first need them. So the file
follows from the pairs, the tokenizer and the window alone.
"""

from __future__ import annotations

from collections.abc import Mapping

TOKENS_TYPE = "application/vnd.dempo.tokens"
TOKENS_FORMAT = "dempo-tokens-1"
TOKENS_COUNTS = ("window", "prompts", "responses", "pairs", "sequences", "tokens")
"""The numbers of the header."""

HEADER_BYTES = 256

CUT_CONTEXT, CUT_RESPONSE = 1, 2
"""Marks of a sequence that lost the beginning of its prompt, and of one that lost the end of its response."""

PAIR_COLUMNS, SEQUENCE_COLUMNS = 6, 2


def token_tables(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Where each table of the file begins and ends, in bytes; the last one ends with the file.

    Args:
        counts: the numbers of the header.
    """
    sizes = {
        "offsets": 8 * (counts["prompts"] + counts["responses"] + 1),
        "pairs": 4 * PAIR_COLUMNS * counts["pairs"],
        "sequences": 4 * SEQUENCE_COLUMNS * counts["sequences"],
        "ids": 4 * counts["tokens"],
        "cut": counts["sequences"],
    }
    tables, end = {}, HEADER_BYTES
    for name, size in sizes.items():
        tables[name] = (end, end + size)
        end += size
    return tables
