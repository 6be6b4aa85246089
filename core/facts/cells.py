"""Cells of CSV files: nothing in them that a terminal obeys, and nothing that a spreadsheet would run.

Exporter, verifier and the files of people write by the same rules, so that a table can be compared with its record.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

UNRULY = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls but the line feed, bidirectional characters and halves of characters: a fixed list, since what Unicode has
not assigned yet differs between versions of Python."""

FORMULA_SIGN = re.compile("[\\s\u200b\u2060\ufeff]*[=+\\-@\uff0b\uff0d\uff1d\uff20]")
"""How a text begins that a spreadsheet takes for a formula, blanks before it and full-width signs included."""

NOT_A_FORMULA = frozenset({"-inf"})

ID_COLUMNS = frozenset({"condition", "draw", "lottery", "judge", "pseudonym", "source id"})
"""Columns of names by which tables are joined, beside those that end in `_id`."""

ESCAPED = "_escaped"
"""Ends the name of a column that says which names of another column stand there otherwise than in their source."""


def sign_of(character: str) -> str:
    """A sign for a character that has no look of its own: a picture for C0 and DEL (ESC is ␛), else <U+XXXX>."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def cell(value: Any) -> Any:
    """A value as a table may hold it: unruly characters as signs, an apostrophe before what would be a formula."""
    if not isinstance(value, str):
        return value
    text = UNRULY.sub(lambda found: sign_of(found[0]), value)
    return f"'{text}" if FORMULA_SIGN.match(text) and text not in NOT_A_FORMULA else text


def is_id(column: str) -> bool:
    """Whether a column holds names by which tables are joined."""
    return column.endswith("_id") or column in ID_COLUMNS


def escaped_columns(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[int]:
    """The places of the columns of names of which at least one has to stand otherwise than it is."""
    ids = [place for place, column in enumerate(columns) if is_id(column)]
    found: set[int] = set()
    for row in rows:
        found.update(place for place in ids if place not in found and cell(row[place]) != row[place])
        if len(found) == len(ids):
            break
    return sorted(found)


def table_header(columns: Sequence[str], escaped: Sequence[int]) -> list[Any]:
    """The columns, and behind them one `<name>_escaped` for each of the places in `escaped`."""
    return [cell(column) for column in (*columns, *(f"{columns[place]}{ESCAPED}" for place in escaped))]


def table_row(row: Sequence[Any], escaped: Sequence[int]) -> list[Any]:
    """The cells of a row; "true" in `<name>_escaped` where the name stands otherwise than it is."""
    return [*map(cell, row), *("true" if cell(row[place]) != row[place] else "" for place in escaped)]


def csv_line(row: Sequence[Any]) -> bytes:
    """A row of a CSV file in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()
