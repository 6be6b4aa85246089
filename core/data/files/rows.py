"""One row of input data, wherever it came from, with checks that name the place of what is wrong."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import InputError
from core.events import FileRead

_DIGITS = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
"""Numbers written as texts, as some exporters do; longer ones are no turns and no scores."""


class Source(Protocol):
    """A stream of rows: a JSON Lines file, or a table from the Hugging Face hub.

    `done` of `total` (bytes or rows, the same for all sources of one run) tells how far the stream is.
    """

    name: str
    done: float
    total: float

    def __iter__(self) -> Iterator[Row]:
        """The rows in their order; each is an object with string keys."""
        ...

    def where(self, number: int) -> str:
        """The place of a row for a person, such as `survey.jsonl, line 3`."""
        ...

    def file_read(self) -> FileRead:
        """Name, size, SHA-256 and number of rows; valid once all rows have been read."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One object, with its number in its source (from 1). All readers raise InputError with the row's place."""

    source: Source
    number: int
    values: dict[str, Any]
    inside: str = field(default="")

    @property
    def where(self) -> str:
        """The place of this row, such as `conversations.jsonl, line 3, conversation_history entry 2`."""
        return self.source.where(self.number) + self.inside

    def error(self, sentence: str) -> InputError:
        """An error at this place."""
        return InputError(f"{self.where}: {sentence}")

    def require(self, columns: tuple[str, ...]) -> None:
        """Refuses a row that lacks one of the columns."""
        for column in columns:
            if column not in self.values:
                raise self.error(
                    f"the column {column!r} is missing; a row here needs {', '.join(columns)} "
                    f"(this one has: {listed(self.values)})"
                )

    def identifier(self, column: str) -> str:
        """A text that is not blank."""
        value = self.values[column]
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{column} is {shown(value)}; it must be a text that is not blank")
        return value

    def text(self, column: str) -> str | None:
        """A text, or None for null."""
        value = self.values[column]
        if value is not None and not isinstance(value, str):
            raise self.error(f"{column} is {shown(value)}; it must be a text")
        return value

    def whole(self, column: str) -> int:
        """A whole number from 0; 3.0 and "3" are read as 3, since some exporters write so."""
        value = self.values[column]
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(f"{column} is {shown(value)}; it must be a whole number from 0")
        return value

    def number_or_none(self, column: str) -> float | None:
        """A finite number ("80" is read as 80), or None for null or an absent column."""
        value = self.values.get(column)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            return float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.error(f"{column} is {shown(value)}; it must be a number")
        return value

    def flag(self, column: str) -> bool:
        """true or false; null and an absent column count as false."""
        value = self.values.get(column)
        if value is not None and not isinstance(value, bool):
            raise self.error(f"{column} is {shown(value)}; it must be true or false")
        return bool(value)

    def entries(self, column: str) -> list[Row]:
        """The objects of a list, each as a row that knows its place; null counts as an empty list."""
        value = self.values[column]
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.error(f"{column} is {shown(value)}; it must be a list of objects")
        return [
            Row(self.source, self.number, entry, f", {column} entry {position}")
            for position, entry in enumerate(value, start=1)
        ]


def shown(value: object) -> str:
    """A value as JSON for a message: escaped, and at most 60 characters of it."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def listed(names: Any) -> str:
    """Names for a message, at most 20 of them."""
    found = [str(name) for name in names]
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return (", ".join(ascii(name)[1:-1] for name in found[:20]) or "none") + more
