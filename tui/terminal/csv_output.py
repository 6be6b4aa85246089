"""Tables for programs and spreadsheets on standard output, by the rules of every CSV file that is written here."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.cells import csv_line, escaped_columns, table_header, table_row


def print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints rows as CSV with a header, the keys of the first row; nothing where there are no rows.

    What a terminal would obey or a spreadsheet would run stands as signs, or behind an apostrophe.
    """
    if not rows:
        return
    columns = list(rows[0])
    cells = [[row.get(column) for column in columns] for row in rows]
    escaped = escaped_columns(columns, cells)
    lines = [table_header(columns, escaped), *(table_row(one, escaped) for one in cells)]
    sys.stdout.write(b"".join(map(csv_line, lines)).decode())
