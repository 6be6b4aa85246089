"""What a form shows of its configuration, read in a thread: it loads what checks one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.complaints import WrongConfiguration
from core.config_file import changed, checked
from core.errors import DempoError
from tui.commands.starting.source import RunSource
from tui.screens.start.field_rows import FieldRow, known_keys, rows_of


@dataclass(frozen=True)
class FormReading:
    """The rows; wrong is why these values cannot be used, "" where they can."""

    rows: tuple[FieldRow, ...]
    keys: tuple[str, ...]
    wrong: str = ""


def read_form(source: RunSource, overrides: Sequence[str], runs: Path) -> FormReading:
    """The configuration of a source after changes; rows also where values of it are wrong."""
    try:
        given = source.begin(runs).given
        origins = {key: "demo" if origin == "set" else origin for key, origin in given.origins.items()}
        given = replace(given, origins=origins)
    except (DempoError, OSError) as error:
        return FormReading((), (), str(error))
    wrong = ""
    try:
        given = changed(given, overrides)
    except DempoError as error:
        wrong = str(error)
    try:
        rows = rows_of(given, checked(given).config)
    except WrongConfiguration as error:
        rows = rows_of(given, None, error.complaints)
        wrong = wrong or str(error)
    except (DempoError, OSError) as error:
        rows = rows_of(given, None)
        wrong = wrong or str(error)
    return FormReading(tuple(rows), known_keys(rows), wrong)


def wrong_with(source: RunSource, overrides: Sequence[str], key: str, runs: Path) -> tuple[str, str]:
    """What is wrong with the last override, which is of this key: with its own value, and with others because of it.

    Only the first is a reason not to take it: two values that must go together are changed one after the other.
    """
    try:
        given = changed(source.begin(runs).given, overrides)
        checked(given)
    except WrongConfiguration as error:
        own = [c.told if c.key == key else str(c) for c in error.complaints if c.about(key)]
        return "; ".join(own), "; ".join(str(c) for c in error.complaints if not c.about(key))
    except (DempoError, OSError) as error:
        return str(error), ""
    return "", ""
