"""Rows as CSV on standard output, for spreadsheets and other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core.facts.cells import csv_line, escaped_columns, table_header, table_row


def print_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Prints a header and every row, by the rules of a bundle's tables: nothing in them is obeyed or run.

    Columns are the keys of all rows, in the order in which they first come; where there is no row, those given.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row)) or columns
    if not columns:
        return
    values = [[row.get(column) for column in columns] for row in rows]
    escaped = escaped_columns(columns, values)
    lines = [table_header(columns, escaped), *(table_row(row, escaped) for row in values)]
    sys.stdout.write("".join(csv_line(line).decode() for line in lines))
