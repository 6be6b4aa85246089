"""Quotas in numbers of members, from a CSV file.

    category,name,min,max                          attribute, its value, least and most members: what the field writes
    category,feature,min,max                       the same in other words (`category value` for `name` too)
    feature,value,min,max

The header says which; case does not matter there. Other columns (`min_flex`, `suggest min`, `Current #`) are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from core.data.files.csv_table import CsvRow, CsvTable, Problems, names, read_csv
from core.errors import quoted
from core.events import FileRead

_WHOLE = re.compile(r"[0-9]{1,9}(\.0{1,9})?")
"""A number of members; spreadsheets and data frames also write 3 as 3.0."""
_FORMS = (
    ("category", "name"),
    ("category", "feature"),
    ("category", "category value"),
    ("category", "category_value"),
    ("category", "category-value"),
    ("feature", "value"),
)
"""Columns of attribute and category in the kinds of quota files that tools of the field write."""


@dataclass(frozen=True)
class QuotaLine:
    """One row of the quotas: least and most members of one category."""

    attribute: str
    category: str
    lower: int
    upper: int
    line: int


@dataclass(frozen=True)
class QuotaTable:
    """The quotas, attribute by attribute in the order in which the file first names them."""

    path: Path
    rows: tuple[QuotaLine, ...]
    file: FileRead
    ignored: tuple[str, ...]

    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes, in order."""
        return tuple(dict.fromkeys(row.attribute for row in self.rows))

    def of(self, attribute: str) -> tuple[QuotaLine, ...]:
        """The rows of one attribute."""
        return tuple(row for row in self.rows if row.attribute == attribute)


def read_quotas(path: Path) -> QuotaTable:
    """The quotas of a file.

    Raises:
        InputError: a row is wrong; the message has file, line, column and remedy.
    """
    table = read_csv(path, "data.quotas")
    columns, ignored = _quota_columns(table)
    seen: dict[tuple[str, str], int] = {}
    named: dict[str, tuple[str, str]] = {}
    rows = []
    problems = Problems(table)
    for row in table.rows:
        found = _quota_line(table, row, columns, problems)
        key = (found.attribute, found.category)
        told = f"{quoted(key[0])} {quoted(key[1])}"
        if all(key) and key in seen:
            problems.add(row.line, f"{told} has a quota in line {seen[key]} already; keep one of the two rows")
        elif named.setdefault(": ".join(key), key) != key:
            problems.add(row.line, f"{told} cannot be told from another row (': ' in a name); rename it")
        seen.setdefault(key, row.line)
        rows.append(found)
    problems.refuse()
    order = {attribute: i for i, attribute in enumerate(dict.fromkeys(row.attribute for row in rows))}
    rows.sort(key=lambda row: order[row.attribute])
    return QuotaTable(path, tuple(rows), table.file, ignored)


def _quota_columns(table: CsvTable) -> tuple[tuple[str, str, str, str], tuple[str, ...]]:
    """The columns of attribute, category, min and max as the header writes them, and those that are ignored."""
    header = table.header.cells
    folded = [cell.casefold() for cell in header]
    forms = [(*form, "min", "max") for form in _FORMS if all(folded.count(name) == 1 for name in (*form, "min", "max"))]
    if len(forms) > 1:
        ways = " or ".join(",".join(form[:2]) for form in forms)
        raise table.error(
            table.header.line,
            f"attribute and value may stand under {ways}, so it is not clear which; rename the column that is neither",
        )
    if not forms:
        raise table.error(
            table.header.line,
            f"the columns are {names(header)}; quotas need category,name,min,max, or category,feature,min,max, or "
            "feature,value,min,max (attribute, its value, least and most members), each once",
        )
    attribute, category, lower, upper = (header[folded.index(name)] for name in forms[0])
    return (attribute, category, lower, upper), tuple(c for c in header if c and c.casefold() not in forms[0])


def _quota_line(table: CsvTable, row: CsvRow, columns: tuple[str, str, str, str], problems: Problems) -> QuotaLine:
    """One quota; what cannot be used of it is told to `problems`, and a number that is none counts as 0."""
    attribute, category, lower, upper = (row.cells[table.column(name)] for name in columns)
    for name, value in zip(columns[:2], (attribute, category), strict=True):
        if not value:
            problems.add(row.line, "this cell is empty; a quota names an attribute and one of its values", name)
    wrong = {name: _no_number(value) for name, value in zip(columns[2:], (lower, upper), strict=True)}
    for name, problem in wrong.items():
        if problem:
            problems.add(row.line, f"{problem}; write how many members, such as 12", name)
    if any(wrong.values()):
        return QuotaLine(attribute, category, 0, 0, row.line)
    least, most = (int(value.partition(".")[0]) for value in (lower, upper))
    if least > most:
        told = f"min is {least} but max is {most} for {quoted(attribute)} {quoted(category)}; min must not exceed max"
        problems.add(row.line, told, columns[2])
    return QuotaLine(attribute, category, least, most, row.line)


def _no_number(value: str) -> str:
    """Why a cell is no number of members; empty where it is one."""
    if _WHOLE.fullmatch(value):
        return ""
    if not value:
        return "this cell is empty"
    negative = re.fullmatch(r"-[0-9.,]+", value)
    return f"{quoted(value)} is {'negative' if negative else 'not a whole number from 0'}"
