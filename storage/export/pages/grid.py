"""Tables of a report: words above the columns, one precision in each, and no column that holds nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from core.visible import visible
from storage.export.pages.markup import note, text
from storage.summary.decimals import as_number, decimals_of, shown
from storage.summary.labels import heading, value_words

MOST_ROWS = 400
"""Rows of one table of a report; the CSV file beside it holds all of them."""

MOST_LINES = 200
"""Of one cell that is a list."""

_HASH = re.compile(r"[0-9a-f]{40,128}|SHA256:[A-Za-z0-9+/]{43}")
_LONG = 40
"""Characters from which a text needs room for several lines."""

ALIKE = (("score", "low", "high"), ("value", "low", "high"), ("majority_win_rate", "majority_low", "majority_high"))
"""Columns that share a precision, since they are read against each other."""

Row = Mapping[str, Any]


def table(
    rows: Iterable[Row],
    columns: Sequence[str] | Mapping[str, str] = (),
    *,
    caption: str = "",
    whole: str = "",
    mark: str = "",
    decimals: Mapping[str, int] | None = None,
    by_row: Collection[str] = (),
) -> str:
    """The first rows as a table; nothing where there are none.

    Args:
        columns: the keys to show, or each with its heading; all of them where none is given. One that holds nothing
            in any row is left out.
        caption: what the table shows, for who sees it and who hears it.
        whole: the file that holds all rows, for the note about those left out.
        mark: the column whose value becomes the class of its row.
        decimals: of columns for which they do not follow from the numbers.
        by_row: columns in which every row is a quantity of its own, so that its numbers have a precision of their own.
    """
    kept = list(islice(rows, MOST_ROWS + 1))
    if not kept:
        return ""
    keys = [key for key in columns or kept[0] if not all(_is_empty(row.get(key)) for row in kept)]
    named = columns if isinstance(columns, Mapping) else {key: heading(key) for key in keys}
    shown_rows = kept[:MOST_ROWS]
    precision = _precision(keys, shown_rows) | dict(decimals or {})
    parts = [f"<caption>{text(caption)}</caption>" if caption else "", "<thead><tr>"]
    parts += [*(_heading(named[key], key, shown_rows) for key in keys), "</tr></thead><tbody>"]
    for row in shown_rows:
        style = f' class="{text(row[mark])}"' if mark else ""
        own = dict.fromkeys(by_row, decimals_of(row.get(key) for key in by_row))
        parts.append(f"<tr{style}>{''.join(_cell(key, row.get(key), (precision | own)[key]) for key in keys)}</tr>")
    left = f"The first {MOST_ROWS} rows; {whole or 'the record'} holds all of them."
    below = note(left) if len(kept) > MOST_ROWS else ""
    return f'<div class="t"><table>{"".join(parts)}</tbody></table></div>{below}'


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _precision(keys: Sequence[str], rows: Sequence[Row]) -> dict[str, int]:
    """Decimals of every column; those that are `ALIKE` have the same."""
    found = {key: decimals_of(row.get(key) for row in rows) for key in keys}
    for group in ALIKE:
        if set(group) <= found.keys():
            found |= dict.fromkeys(group, decimals_of(row.get(key) for row in rows for key in group))
    return found


def _heading(words: str, key: str, rows: Iterable[Row]) -> str:
    """Above numbers it stands where they stand."""
    numbers = any(as_number(row.get(key)) is not None for row in rows)
    return f'<th scope="col"{" class=" + chr(34) + "n" + chr(34) if numbers else ""}>{text(words)}</th>'


def _cell(key: str, value: Any, decimals: int) -> str:
    number = as_number(value)
    if number is not None:
        return f'<td class="n">{shown(number, decimals)}</td>'
    if isinstance(value, list):
        lines = [html.escape(visible(str(line)).replace("\n", "␊")) for line in value[:MOST_LINES]]
        more = [f"and {len(value) - MOST_LINES} more"] if len(value) > MOST_LINES else []
        return f"<td>{'<br>'.join([*lines, *more])}</td>"
    said = value_words(key, value)
    return f"<td{_class_of(said)}>{text('' if said is None else said)}</td>"


def _class_of(value: Any) -> str:
    if isinstance(value, str) and _HASH.fullmatch(value):
        return ' class="h"'
    return ' class="w"' if isinstance(value, str) and len(value) > _LONG else ""
