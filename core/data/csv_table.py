"""CSV files as people export them: read whole, hashed, with the line of every row.

UTF-8 with or without a byte order mark; comma or semicolon, whichever splits the header; quoted cells;
line ends of any system. Spaces around a cell don't count, blank lines are skipped, and cells that are
missing at the end of a line are empty. What people get wrong is refused with file, line and remedy.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, quoted
from core.events import FileRead

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"
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
        at = f", column {quoted(column)}" if column is not None else ""
        return InputError(f"{self.path}, line {line}{at}: {sentence}")


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
        raise InputError(f"{path} is a spreadsheet or another zip archive, not a CSV file; export it as 'CSV UTF-8'")
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
    reader = csv.reader(lines, delimiter=_delimiter(text), skipinitialspace=True)
    begins, next_row = 1, 1
    try:
        for cells in reader:
            if cells == [_END]:
                return
            begins, next_row = next_row, reader.line_num + 1
            yield CsvRow(begins, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise InputError(f"{path}, line {next_row}: this is no CSV ({error}); correct the line") from error
    raise InputError(f'{path}, line {begins}: a quote opens in this row and never closes; inside a cell write ""')


def _delimiter(text: str) -> str:
    """Comma, or semicolon where that splits the first line that is not blank into more cells."""
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    widths = {mark: len(next(csv.reader([first], delimiter=mark, skipinitialspace=True), [])) for mark in ",;"}
    return ";" if widths[";"] > widths[","] else ","


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
