"""The rows of a file of rankings, whatever its form: JSON Lines, a JSON array, or CSV with a header.

Each row is an object by its keys, with its place in the file. Which form it is follows from how the text begins: `[`
begins an array, `{` JSON Lines; anything else is CSV where its first line names a question.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.files.csv_table import csv_of
from core.data.files.rows import shown
from core.errors import InputError

_MARK = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_QUESTION_NAMED = re.compile(r"question(_id)?", re.IGNORECASE)
_REMEDIES = {"judge": "; name who ranked, such as 'model#0' for the first ranking by a model"}
_OTHER_FILES = (b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How UTF-16 text and spreadsheets begin: reading them as CSV says what they are."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """An object of the file and where it begins. In CSV every value is a text, and `table` is true."""

    path: Path
    line: int
    values: Mapping[str, Any]
    table: bool = False
    entry: int | None = None

    @property
    def where(self) -> str:
        """Such as "votes.csv, line 3"; of an array with the number of its entry, from 1."""
        return f"{self.path}, line {self.line}" + (f", entry {self.entry}" if self.entry is not None else "")

    def error(self, sentence: str) -> InputError:
        """An error at this place."""
        return InputError(f"{self.where}: {sentence}")

    def first_of(self, *keys: str) -> str | None:
        """The first of some keys that the row has."""
        return next((key for key in keys if key in self.values), None)

    def name(self, *keys: str) -> str:
        """A text or a whole number, which is read as a text: 7 and "7" are the same.

        Args:
            keys: what it may be called; a message names the first.
        """
        key = self.first_of(*keys)
        if key is None:
            raise self.error(f"the key {keys[0]!r} is missing{_REMEDIES.get(keys[0], '')}")
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise self.error(f"{key!r} must be a text or a whole number; it is {shown(value)}")
        return value if isinstance(value, str) else str(value)


def rows_of(path: Path, body: bytes) -> Iterator[FileRow]:
    """The rows of a file in its order.

    Raises:
        InputError: a line is not JSON or no object, or it is no CSV; the message names the line.
    """
    start = body.removeprefix(_MARK).lstrip()[:1]
    if start == b"[":
        return _of_array(path, body)
    if start != b"{" and (body.startswith(_OTHER_FILES) or _names_a_question(body)):
        return _of_csv(path, body)
    return _of_lines(path, body)


def _names_a_question(body: bytes) -> bool:
    """Whether a column of the first line, or of the one below `sep=;`, is called a question."""
    lines = [line for line in io.BytesIO(body[:100_000]) if line.strip()][:2]
    cells = re.split(r"[,;\t]", b",".join(lines).decode("utf-8-sig", "replace"))
    return any(_QUESTION_NAMED.fullmatch(cell.strip(' \r\n"')) for cell in cells)


def _of_csv(path: Path, body: bytes) -> Iterator[FileRow]:
    table = csv_of(path, body, "rankings")
    header = _named(table.header.cells)
    for name in header:
        if name and header.count(name) > 1:
            raise table.error(table.header.line, f"two columns are called {shown(name)}; rename one of them")
    for row in table.rows:
        yield FileRow(path, row.line, {n: c for n, c in zip(header, row.cells, strict=True) if n}, table=True)


_BESIDE = frozenset({"question_id", "question", "clause_id", "clause", "judge", "ranking"})
_TOGETHER = (
    frozenset({"a", "b", "winner"}),
    frozenset({"model_a", "model_b", "winner"}),
    frozenset({"model_i", "model_j", "wins_i", "wins_j"}),
    frozenset({"condition", "rank"}),
    frozenset({"condition", "position"}),
    frozenset({"model", "rank"}),
    frozenset({"model", "position"}),
)
_COUNTS = frozenset({"num_judges", "majority_winner"})
"""Columns that mean something wherever they are, those that do only together, and those beside `wins_i`."""


def _named(header: Sequence[str]) -> list[str]:
    """The names of columns, in small letters where they mean something here; others are names of conditions."""
    small = [cell.lower() for cell in header]
    meant = _BESIDE.union(*(together for together in _TOGETHER if together.issubset(small)))
    meant |= _COUNTS if "wins_i" in meant else frozenset()
    return [name if name in meant else cell for name, cell in zip(small, header, strict=True)]


def _of_array(path: Path, body: bytes) -> Iterator[FileRow]:
    text = _decoded(path, body)
    at, counted, line, entry = _SPACE.match(text, text.index("[") + 1).end(), 0, 1, 0  # type: ignore[union-attr]
    while not text.startswith("]", at):
        line, counted, entry = line + text.count("\n", counted, at), at, entry + 1
        where = f"{path}, line {line}, entry {entry}"
        value, at = _decode(text, at, where)
        yield FileRow(path, line, _object(value, where), entry=entry)
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if text.startswith(",", at):
            at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
        elif not text.startswith("]", at):
            raise InputError(f"{where}: this is not JSON (a comma or ] is missing after the entry)")
    rest = text[at + 1 :].strip()
    if rest:
        raise InputError(f"{path}: {shown(rest)} follows the end of the JSON array; a file holds one array")


def _decoded(path: Path, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: this is not UTF-8 text") from error


def _of_lines(path: Path, body: bytes) -> Iterator[FileRow]:
    for number, line in enumerate(io.BytesIO(body), start=1):
        where = f"{path}, line {number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise InputError(f"{where}: this is not UTF-8 text") from error
        if text:
            value, end = _decode(text, 0, where)
            if end < len(text):
                raise InputError(f"{where}: this is not JSON (Extra data); write one JSON object per line")
            yield FileRow(path, number, _object(value, where))


def _decode(text: str, at: int, where: str) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply, or a number too long"
        raise InputError(
            f"{where}: this is not JSON ({reason}); write one JSON object per line, or one array of objects, or CSV "
            "whose first line names the columns, question_id among them"
        ) from error


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a JSON object with 'question_id' and 'ranking'; this is {shown(value)}")
    return value
