"""Rows of a query as the frozen dataclasses that name their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from storage.record.reader import Reader

Row = TypeVar("Row")


def typed_rows(reader: Reader, kind: type[Row], sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
    """Each row as a `kind`: its fields have the names of the columns, in any order.

    A stranger's record may hold any value of SQLite in any column; what is shown of it is made harmless there.
    """
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return [kind(**{n: v for n, v in row.items() if n in names}) for row in reader.query(sql, parameters)]
