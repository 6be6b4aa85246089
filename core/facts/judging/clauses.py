"""The clauses of a constitution: a text with one numbered clause a line (`1. Choose the response that …`).

Numbers rise but may leave gaps, so that a part of a constitution is one too; empty lines are skipped.
"""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"(?P<number>[1-9][0-9]{0,5})\.[ \t]+(?P<text>\S.*)")


class NoClause(ValueError):
    """What is wrong with a line, counted from 1, as a sentence; 0: with the whole text."""

    def __init__(self, line: int, told: str) -> None:
        super().__init__(told)
        self.line = line


def clauses_in(text: str) -> dict[int, str]:
    """The clauses by number.

    Raises:
        NoClause: a line is none, its number does not rise, or there is none at all.
    """
    clauses: dict[int, str] = {}
    last = 0
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _CLAUSE.fullmatch(line.strip())
        if found is None:
            shown = repr(line if len(line) <= 60 else f"{line[:59]}…")
            raise NoClause(line_number, f"not a numbered clause: {shown}")
        number = int(found["number"])
        if number <= last:
            raise NoClause(line_number, f"clause {number} comes after clause {last}; numbers must rise")
        clauses[number] = found["text"]
        last = number
    if not clauses:
        raise NoClause(0, "holds no clause")
    return clauses
