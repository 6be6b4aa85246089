"""CSV files as people export them: read whole, hashed, with the line of every row.

UTF-8 with or without a byte order mark; comma, semicolon or tab, whichever splits the header, or the one that a
first line `sep=;` names; quoted cells; line ends of any system. Spaces around a cell don't count, blank lines
are skipped, and cells that are missing at the end of a line are empty. What people get wrong is refused with
file, line and remedy; cells that cannot be used are told together.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, quoted
from core.events import FileRead
from core.facts.plural import number_of

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEPARATORS = ",;\t"
_NAMED = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE | re.DOTALL)
"""A first line by which Excel is told the separator."""
_PROBLEMS, _LINES = 10, 10
"""How many kinds of problems a message tells, and how many lines of each."""
_END = "\0end\0"
"""A last line of our own: where it does not come back as a row, a quote was never closed."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of one row, as many as the header has, and the line it begins on (from 1)."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with its header; at least one row."""

    path: Path
    header: CsvRow
    rows: tuple[CsvRow, ...]
    file: FileRead

    def column(self, name: str) -> int:
        """The place of a column.

        Raises:
            InputError: the header does not have it, or has it twice.
        """
        found = [i for i, cell in enumerate(self.header.cells) if cell == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise self.error(self.header.line, f"two columns are called {quoted(name)}; rename one of them")
        raise self.error(
            self.header.line,
            f"there is no column {quoted(name)}{nearest(name, self.header.cells)} (the header has: "
            f"{names(self.header.cells)}); correct the name, or add the column",
        )

    def error(self, line: int, sentence: str, column: str | None = None) -> InputError:
        """An error at a place of the file."""
        return InputError(f"{self.path}, {_place((line,), column)}: {sentence}")


class Problems:
    """Everything that is wrong with a table, so that a person can mend it at one go."""

    def __init__(self, table: CsvTable) -> None:
        self._table = table
        self._lines: dict[tuple[str, str | None], list[int]] = {}

    def add(self, line: int, sentence: str, column: str | None = None) -> None:
        """One more; the same sentence about several rows of a column is told once."""
        self._lines.setdefault((sentence, column), []).append(line)

    def refuse(self) -> None:
        """Ends the reading of a table in which something is wrong.

        Raises:
            InputError: with lines, columns and remedies, at most ten kinds of problems.
        """
        told = [f"{_place(lines, column)}: {sentence}" for (sentence, column), lines in self._lines.items()]
        if len(told) == 1:
            raise InputError(f"{self._table.path}, {told[0]}")
        if told:
            cells, left = sum(map(len, self._lines.values())), len(told) - _PROBLEMS
            head = f"{self._table.path}: {cells} cells cannot be used"
            more = [f"and {number_of(left, 'more kind')}"] if left > 0 else []
            raise InputError("\n  ".join([head, *told[:_PROBLEMS], *more]))


def _place(lines: Sequence[int], column: str | None) -> str:
    shown = [str(line) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        where = f"lines {', '.join(shown)} and {len(lines) - _LINES} more"
    else:
        where = f"lines {', '.join(shown[:-1])} and {shown[-1]}" if len(lines) > 1 else f"line {shown[0]}"
    return where + (f", column {quoted(column)}" if column is not None else "")


def read_csv(path: Path, key: str) -> CsvTable:
    """A CSV file with a header; `key` names the configuration key that names the file.

    Raises:
        InputError: it cannot be read, is not UTF-8 or no CSV, or has no rows.
    """
    if path.is_dir():
        raise InputError(f"{key}: {path} is a folder; name the CSV file in it")
    try:
        body = path.read_bytes()
    except OSError as error:
        raise InputError(f"{key}: cannot read {path}: {error.strerror}") from error
    return csv_of(path, body, key)


def csv_of(path: Path, body: bytes, key: str) -> CsvTable:
    """`read_csv` of a file whose bytes are here.

    Raises:
        InputError: it is not UTF-8 or no CSV, or has no rows.
    """
    rows = [row for row in _rows(path, _text(path, body)) if any(row.cells)]
    if not rows:
        raise InputError(f"{key}: {path} is empty; it should be a CSV file that begins with a line of column names")
    header, *people = rows
    if not people:
        raise InputError(f"{key}: {path} has column names but no rows below them")
    width = len(header.cells)
    fitted = tuple(_fitted(path, row, width) for row in people)
    read = FileRead(name=path.name, bytes=len(body), sha256=hashlib.sha256(body).hexdigest(), rows=len(fitted))
    return CsvTable(path, header, fitted, read)


def _text(path: Path, body: bytes) -> str:
    if body.startswith(_UTF16):
        raise InputError(f"{path} is UTF-16 text; save it as 'CSV UTF-8'")
    if body.startswith(_ZIP):
        raise InputError(
            f"{path} is a spreadsheet (.xlsx, .ods) or another zip archive, not a CSV file; open it and save it as "
            "'CSV UTF-8'"
        )
    if body.startswith(_OLE):
        raise InputError(f"{path} is an old Excel workbook (.xls), not a CSV file; open it and save it as 'CSV UTF-8'")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        place = error.start - before.rfind(b"\n")
        raise InputError(f"{path}, line {line}: byte {place} is not UTF-8; save the file as 'CSV UTF-8'") from error


def _rows(path: Path, text: str) -> Iterator[CsvRow]:
    """All rows, blank ones too."""
    lines = [*io.StringIO(text, newline=""), _END]
    if len(lines) > 1 and not lines[-2].endswith(("\n", "\r")):
        lines[-2] += "\n"
    delimiter, before = _delimiter(path, lines[:-1])
    reader = csv.reader(lines[before:], delimiter=delimiter, skipinitialspace=True)
    begins, next_row = before + 1, before + 1
    try:
        for cells in reader:
            if cells == [_END]:
                return
            begins, next_row = next_row, before + reader.line_num + 1
            yield CsvRow(begins, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise InputError(f"{path}, line {next_row}: this is no CSV ({error}); correct the line") from error
    raise InputError(f'{path}, line {begins}: a quote opens in this row and never closes; inside a cell write ""')


def _delimiter(path: Path, lines: Sequence[str]) -> tuple[str, int]:
    """What separates cells, and how many lines stand before the header: those up to a line `sep=…`.

    Without such a line it is comma, or whatever of semicolon and tab splits the first line that is not blank into more
    cells.
    """
    number, first = next(((i, line) for i, line in enumerate(lines) if line.strip()), (0, ""))
    named = _NAMED.fullmatch(first)
    if named is None:
        return max(_SEPARATORS, key=lambda mark: _width(first, mark)), 0
    if named[1] not in _SEPARATORS:
        raise InputError(
            f"{path}, line {number + 1}: cells are said to be separated by {quoted(named[1])}; save the file with "
            "commas, semicolons or tabs"
        )
    return named[1], number + 1


def _width(header: str, mark: str) -> int:
    """How many cells a separator makes of the header; 0 where it makes none (the reading of the file says why)."""
    try:
        return len(next(csv.reader([header], delimiter=mark, skipinitialspace=True), []))
    except csv.Error:
        return 0


def _fitted(path: Path, row: CsvRow, width: int) -> CsvRow:
    if any(row.cells[width:]):
        raise InputError(
            f"{path}, line {row.line}: this row has {len(row.cells)} cells, but the header has {width}; "
            "put a cell that holds the separator in quotes"
        )
    return CsvRow(row.line, (*row.cells, *[""] * (width - len(row.cells)))[:width])


def names(found: Iterable[str], most: int = 12) -> str:
    """Several texts from a file for a message, at most `most` of them."""
    whole = [quoted(name) for name in found]
    more = f" and {len(whole) - most} more" if len(whole) > most else ""
    return (", ".join(whole[:most]) or "nothing") + more


def nearest(text: str, known: Sequence[str]) -> str:
    """', did you mean …?' where one of the known texts is close, whatever the case; else nothing."""
    by_fold = {name.casefold(): name for name in known if name}
    close = difflib.get_close_matches(text.casefold(), list(by_fold), n=1)
    return f", did you mean {quoted(by_fold[close[0]])}?" if close else ""
