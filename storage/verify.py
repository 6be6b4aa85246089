"""Checks of a record: all those of the stand-alone verifier, and what takes the catalogue, a solver or numpy.

Each check says what it looked at, its verdict, and the first event that breaks it. Nothing is ever written.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from core.events import decode
from core.run_folder import RunFolder
from storage.check import Check, Verdict
from storage.checks_lottery import solve_again
from storage.checks_ranking import estimate_again
from storage.codec import parse
from storage.errors import StorageError
from storage.verifier.checks import CHECKS
from storage.verifier.finding import Step, broken, concluded
from storage.verifier.reading import opened_safely, read_record
from storage.verifier.record import Record
from storage.verifier.shipped import tree_facts
from storage.verifier.whole import check_events

__all__ = ["Check", "Verdict", "verify"]


def verify(root: Path) -> list[Check]:
    """Runs every check on the run in `root`; a file that cannot be read is a failed check, not an error.

    Raises:
        StorageError: there is no record at all.
    """
    folder = RunFolder(root)
    if not folder.database.is_file():
        raise StorageError(f"{root} holds no run (audit.db is missing)")
    record = read_record(folder.database, tree_facts())
    return [concluded(name, _FURTHER.get(name, step), record) for name, step in CHECKS.items()]


def _events(record: Record) -> str:
    """The catalogue itself, after the shapes that are made from it."""
    told = check_events(record)
    try:
        with closing(opened_safely(record.root / "audit.db")) as db:
            for seq, kind, payload in db.execute("SELECT seq, kind, payload FROM events NOT INDEXED ORDER BY seq"):
                try:
                    decode(kind, parse(payload)[0])
                except (KeyError, ValueError) as error:
                    why = str(error).splitlines()[0]
                    raise broken(f"event {seq}: its fields are not those of {kind!r} ({why})", seq) from None
    except sqlite3.Error as error:
        raise broken(f"the database cannot be read: {error}") from None
    return told


def _when_lotteries_hold(record: Record) -> str:
    """A solver is only asked about lotteries that are what they say."""
    lotteries = concluded("lotteries", CHECKS["lotteries"], record)
    if lotteries.verdict != "ok":
        return CHECKS["solver"](record)
    return solve_again(record)


_FURTHER: dict[str, Step] = {"events": _events, "solver": _when_lotteries_hold, "estimates": estimate_again}
