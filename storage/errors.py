"""What can go wrong with a record on disk, as sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import DempoError, InputError


class StorageError(DempoError):
    """The record could not be read or written; what was recorded before is kept."""


class NotFound(StorageError):
    """A run, a view or an event that a person asked for isn't there: wrong input, and no fault of a record."""

    exit_code = InputError.exit_code


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turns SQLite's and the system's errors on `path` into sentences.

    Raises:
        StorageError: with the cause and what to do.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {_advice(error)}") from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged schema, and Python can't read the quotation
        raise StorageError(
            f"{path}: this file is damaged or no record of a run (it holds bytes that are no text)"
        ) from error
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error


@contextmanager
def readable_configuration(run: str) -> Iterator[None]:
    """Turns what is wrong with a recorded configuration into a sentence.

    Raises:
        InputError: this version of the program cannot read it.
    """
    try:
        yield
    except ValueError as error:
        raise InputError(f"{run}: this version of the program cannot read its configuration ({error})") from error


def _advice(error: sqlite3.Error) -> str:
    message = str(error)
    if "full" in message:
        return "the disk is full; everything finished before is recorded, so free some space and resume"
    if "disk I/O error" in message:
        return "the disk could not be written or read; check its space and health, then resume"
    if "locked" in message:
        return "the database is locked by another program; close it and try again"
    if "not a database" in message or "malformed" in message:
        return f"this file is damaged or no record of a run ({message})"
    return message
