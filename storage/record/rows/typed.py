"""Rows of a query as the frozen dataclasses that name their columns, and those of views with the columns that are read.

Which views there are says `schema`. Where a view shows fields of one kind of event, the class of its rows is checked
against that of the event when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from core.events import Event
from storage.record.reader import Reader
from storage.record.schema import rows_of

Row = TypeVar("Row")

VIEW_OF: dict[type, str] = {}
"""The view of each class of rows."""


def typed_rows(reader: Reader, kind: type[Row], sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
    """Each row as a `kind`: its fields have the names of the columns, in any order.

    A stranger's record may hold any value of SQLite in any column; what is shown of it is made harmless there.
    """
    return as_rows(kind, reader.query(sql, parameters))


def as_rows(kind: type[Row], rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows by the names of their columns, each as a `kind`."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return [kind(**{n: v for n, v in row.items() if n in names}) for row in rows]


def of_view(view: str, event: type[Event] | None = None) -> Callable[[type[Row]], type[Row]]:
    """Names the view of a class of rows, and the event whose fields it shows, where it shows no other.

    Raises:
        TypeError: a column is no field of the event.
    """

    def named(kind: type[Row]) -> type[Row]:
        columns = {field.name for field in fields(kind)}  # type: ignore[arg-type]
        others = columns - event.model_fields.keys() if event is not None else set()
        if event is not None and others:
            raise TypeError(f"{kind.__name__}: {', '.join(sorted(others))}: no fields of {event.kind}")
        VIEW_OF[kind] = view
        return kind

    return named


def view_rows(
    reader: Reader, kind: type[Row], condition: str = "", parameters: Sequence[Any] | dict[str, Any] = ()
) -> list[Row]:
    """Rows of the view of a class; `condition` is what follows the view in the query, as `WHERE lottery IS ?`."""
    view = VIEW_OF[kind]
    return typed_rows(reader, kind, f"{rows_of(view)} SELECT * FROM {view} {condition}", parameters)
