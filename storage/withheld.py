"""What a copy of a run does not hold of what its record names, for whoever shows it: a sentence in its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.facts.sealed import PEOPLE, PRIVATE, SEALED, WITHHELD_ROWS
from core.facts.tables import (
    COLUMNS_OF_PEOPLE,
    COLUMNS_OF_PRIVATE,
    PEOPLE_IN_VIEWS,
    PRIVATE_IN_VIEWS,
    TEXTS_IN_VIEWS,
    WITHHELD,
    part_not_here,
)
from storage.errors import NotFound
from storage.export.redaction import redaction_of
from storage.record.reader import Reader


def copy_without(root: Path, what: str) -> str:
    """Why something that a record names is not shown: an export left it out, or it was lost.

    Raises:
        StorageError: the note about what was left out cannot be read.
    """
    if redaction_of(root) is not None:
        return f"{WITHHELD}: this copy was exported without {what}"
    return f"missing: the record refers to {what} and does not hold it; `dempo verify` says more"


def word_of(told: str) -> str:
    """The word that such a sentence begins with, for the cell of a table."""
    return told.partition(":")[0]


def people_left_out(reader: Reader, view: str) -> str:
    """Why rows of a view about people are not here; "" where they are, or there is nothing to show."""
    return _left_out(reader, PEOPLE, PEOPLE_IN_VIEWS.get(view, ()))


def _left_out(reader: Reader, part: str, kinds: Sequence[str]) -> str:
    """Why such a part of an event of these kinds is not here; "" where all are."""
    absent = reader.query(part_not_here(part), [json.dumps(kinds)])
    return copy_without(reader.folder.root, WITHHELD_ROWS[part]) if absent else ""


def require_people(reader: Reader, view: str) -> None:
    """Ends what needs the rows of a view about people.

    Raises:
        NotFound: they are not here.
    """
    told = people_left_out(reader, view)
    if told:
        raise NotFound(told)


def places_left_out(reader: Reader) -> str:
    """Why nobody can tell where the files lie that the run read; "" where the record says it."""
    rows = reader.recorded("SELECT kind, payload FROM events WHERE seq = 1")
    absent = any(PRIVATE in values.get(SEALED, {}) for _, _, values in rows)
    return copy_without(reader.folder.root, "the places of its files") if absent else ""


def marked(reader: Reader, view: str, rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The rows of a view with a word in each cell of which the content is not here, and the sentence that says why."""
    people, private = people_left_out(reader, view), _left_out(reader, PRIVATE, PRIVATE_IN_VIEWS.get(view, ()))
    columns = COLUMNS_OF_PEOPLE.get(view, frozenset()) if people else frozenset()
    columns |= COLUMNS_OF_PRIVATE.get(view, frozenset()) if private else frozenset()
    texts = [name for name in TEXTS_IN_VIEWS.get(view, ()) if any(row[name] is None for row in rows)]
    told = people or private or (copy_without(reader.folder.root, "texts") if texts else "")
    word = word_of(told)
    return [row | dict.fromkeys(columns, word) | {n: word for n in texts if row[n] is None} for row in rows], told
