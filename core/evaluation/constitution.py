"""The constitution: a text file with one numbered clause per line (`1. Choose the response that …`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.facts.judging.clauses import NoClause, clauses_in


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
    try:
        return Constitution(text, clauses_in(text))
    except NoClause as error:
        place = f"{where}:{error.line}:" if error.line else where
        raise InputError(f"{place} {error}; write one per line, as in '1. Choose the response that …'") from None
