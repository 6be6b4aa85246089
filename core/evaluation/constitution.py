"""The constitution: a text file with one numbered clause per line (`1. Choose the response that …`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, quoted

_CLAUSE = re.compile(r"(?P<number>[1-9][0-9]{0,5})\.[ \t]+(?P<text>\S.*)")


@dataclass(frozen=True)
class Constitution:
    """The file as read and its clauses by number, in rising order."""

    text: str
    clauses: Mapping[int, str]

    def first(self, count: int | None) -> Constitution:
        """The same constitution with only its first `count` clauses (None: all of them)."""
        return Constitution(self.text, dict(list(self.clauses.items())[:count]))


def read_constitution(path: Path) -> Constitution:
    """Reads a constitution; numbers rise but may leave gaps, so that a part of a constitution is one too.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or has a line that is no numbered clause.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read the constitution {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"the constitution {path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    return parse_constitution(text, where=str(path))


def parse_constitution(text: str, where: str = "constitution") -> Constitution:
    """`read_constitution` on a text. Empty lines are skipped."""
    clauses: dict[int, str] = {}
    last = 0
    for line_number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _CLAUSE.fullmatch(line.strip())
        if found is None:
            raise InputError(
                f"{where}:{line_number}: not a numbered clause: {quoted(line)}; "
                "write one clause per line, as in '1. Choose the response that …'"
            )
        number = int(found["number"])
        if number <= last:
            raise InputError(f"{where}:{line_number}: clause {number} comes after clause {last}; numbers must rise")
        clauses[number] = found["text"]
        last = number
    if not clauses:
        raise InputError(f"{where} holds no clause; write one per line, as in '1. Choose the response that …'")
    return Constitution(text, clauses)
