"""Checks of a record: all those of the stand-alone verifier, and what takes the catalogue, a solver or numpy.

`verify` looks at what the record says, `verify_all` also at what vouches for it.

Each check says what it looked at, its verdict, and the first event that breaks it. Nothing is ever written.
"""

from __future__ import annotations

import inspect
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from core.errors import InputError
from core.events import decode
from core.facts.sealed import SEALED
from core.run_folder import RunFolder
from storage.check import Check, Verdict
from storage.checks_lottery import solve_again
from storage.checks_ranking import estimate_again, findings_again, juries_again, published_again
from storage.checks_training import measure_again
from storage.record.codec import is_whole
from storage.record.run_folders import require_record
from storage.record.sealing import bodies_of, read_payload
from storage.verifier.checks import CHECKS, checks_of
from storage.verifier.contents.whole import check_events
from storage.verifier.explained import explanation
from storage.verifier.ground.finding import Step, broken, concluded, unreadable
from storage.verifier.ground.reading import opened_safely, read_record
from storage.verifier.ground.record import Record
from storage.verifier.vouching.ssh_signature import Unusable
from storage.verifier.vouching.vouching import brought, vouching_steps
from storage.verifier.writer_facts import tree_facts

__all__ = ["Check", "Heard", "Verdict", "verify", "verify_all"]


class Heard:
    """What is told while a record is checked; this one hears it and does nothing."""

    def begins(self, name: str, number: int, total: int) -> None:
        """A check begins, or with 0 of 0 the reading of the record."""

    def ended(self, check: Check, number: int, total: int, seconds: float) -> None:
        """A check has come to its verdict."""


def verify(root: Path) -> list[Check]:
    """Checks all that follows from something else; a file that cannot be read is a failed check, not an error.

    Raises:
        StorageError: there is no record at all.
    """
    return checks_of(_read(root), _STEPS)


def verify_all(
    root: Path,
    key: Path | None = None,
    head: Path | None = None,
    files: bool | None = None,
    heard: Heard | None = None,
) -> list[Check]:
    """The same, then signed heads, the files under `heads/`, the kept head where one is given, and the registry.

    Args:
        key: a public key or an allowed_signers file: whose signatures count.
        head: a head that was kept elsewhere.
        files: whether the files of the models are read; None: where that does not take long.
        heard: is told of each check.

    Raises:
        InputError: `key` or `head` cannot be used.
        StorageError: there is no record at all.
    """
    require_record(RunFolder(root))  # before the files beside it are opened
    try:
        given = brought(root, key, head)
    except Unusable as error:
        raise InputError(str(error)) from None
    heard = heard or Heard()
    heard.begins("reading the record", 0, 0)
    record = _read(root)
    record.read_models = files
    return _one_by_one(record, _STEPS | vouching_steps(record, given), heard)


def _one_by_one(record: Record, steps: Mapping[str, Step], heard: Heard) -> list[Check]:
    checks = []
    for number, (name, step) in enumerate(steps.items(), 1):
        heard.begins(name, number, len(steps))
        begun = time.monotonic()
        checks.append(concluded(name, step, record))
        heard.ended(checks[-1], number, len(steps), time.monotonic() - begun)
    return checks


def explained(name: str) -> str:
    """What a check looks at, and what this program does beyond the stand-alone file.

    Raises:
        InputError: there is no check of that name.
    """
    try:
        told = explanation(name, tree_facts().sealed)
    except Unusable as error:
        raise InputError(str(error)) from None
    step = _STEPS.get(name)
    return told if step is CHECKS.get(name) else f"{told}\n\n`dempo verify`: {inspect.getdoc(step)}"


def _read(root: Path) -> Record:
    folder = RunFolder(root)
    require_record(folder)
    return read_record(folder.database, tree_facts())


def _events(record: Record) -> str:
    """The catalogue itself, after the shapes that are made from it."""
    told = check_events(record)
    try:
        with closing(opened_safely(record.database)) as db:
            body_of = bodies_of(db)

            def whole_only(name: str) -> bytes | None:
                """What was changed is for the check of the texts to say."""
                body = body_of(name)
                return body if is_whole(name, body) else None

            for seq, kind, payload in db.execute("SELECT seq, kind, payload FROM events NOT INDEXED ORDER BY seq"):
                if not (isinstance(kind, str) and isinstance(payload, str)):
                    continue  # the check of the chain names it
                try:
                    values = read_payload(payload, whole_only)[0]
                    if SEALED not in values:
                        decode(kind, values)
                except (KeyError, ValueError) as error:
                    why = str(error).splitlines()[0]
                    raise broken(f"event {seq}: its fields are not those of {kind!r} ({why})", seq) from None
    except sqlite3.Error as error:
        raise unreadable(error) from None
    return told


def _when_lotteries_hold(record: Record) -> str:
    """Those bounds solved and those panels sampled again, where the lotteries are what they say."""
    lotteries = concluded("lotteries", CHECKS["lotteries"], record)
    if lotteries.verdict not in ("ok", "unknown"):
        return CHECKS["solver"](record)
    return solve_again(record)


_STEPS: dict[str, Step] = CHECKS | {
    "events": _events,
    "solver": _when_lotteries_hold,
    "estimates": estimate_again,
    "judges": findings_again,
    "juries": juries_again,
    "published": published_again,
    "updates": measure_again,
}
