"""`python -m storage.imports.examine FOLDER RUNS MEMORY SECONDS`: every check of a bundle's record, within limits.

A record's numbers are its author's choice. SQLite has limits of its own, but exact fractions, estimates and a solver
can be made to run for ever on numbers, or to eat all memory. So they are checked in a process that may be ended at
any moment (`storage.imports.confined` starts it): it reads the unpacked folder, writes nothing, and says what it found
as one JSON object on its standard output.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

from core.errors import Unchecked, VerificationFailed
from storage.errors import StorageError
from storage.export.contents import event_lines
from storage.export.redaction import redaction_of
from storage.record.codec import parse
from storage.record.foreign import connect_foreign
from storage.record.reader import connect
from storage.verifier.ground.finding import NO_MEMORY
from storage.verifier.ground.reading import is_hindrance, wrong_schema
from storage.verifier.writer_facts import tree_facts
from storage.verify import Check, verify_all

_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,40}")

_UNREADABLE = (sqlite3.Error, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError)
"""What a hostile record can raise in code that expects one of this program's."""


def examine(root: Path, runs: Path) -> dict[str, Any]:
    """What the record in an unpacked bundle is: `run_id`, `taken`, `checks`; no check where a run of that id is here.

    Raises:
        VerificationFailed: it is not a record that this program writes, or one of its checks failed.
        Unchecked: a newer program wrote it, or it could not be read here.
    """
    run_id = _readable(root / "audit.db")
    taken = os.path.lexists(runs / run_id)
    if taken:
        return {"run_id": run_id, "taken": True, "checks": []}
    _agrees(root)
    return {"run_id": run_id, "taken": False, "checks": [check.row() for check in _passed(root)]}


def main() -> None:
    """Reads the arguments, limits this process, and prints what was found, or why the record is refused."""
    root, runs, memory, seconds = sys.argv[1:]
    _limit(int(memory), int(seconds))
    answer = _own_output()
    try:
        found = examine(Path(root), Path(runs))
    except VerificationFailed as error:
        found = {"refused": str(error)}
    except Unchecked as error:
        found = {"unchecked": str(error)}
    except MemoryError:
        found = {"unchecked": f"the checks of its record need more than {int(memory) / 1024**3:,.1f} GiB of memory"}
    except Exception as error:  # noqa: BLE001 (whatever a stranger's record brings about is a refusal)
        found = {"refused": f"the record cannot be checked ({type(error).__name__}: {error})"}
    with answer:
        json.dump(found, answer)


def _limit(memory: int, seconds: int) -> None:
    """Where a system refuses one of the limits, the clock of the process that waits for this one is left."""
    wanted = {resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: seconds, resource.RLIMIT_CORE: 0}
    for kind, most in wanted.items():
        allowed = resource.getrlimit(kind)[1]
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError) as error:
            print(f"limit {kind} is not set: {error}", file=sys.stderr)


def _own_output() -> TextIO:
    """Standard output for the answer alone; what a solver prints goes nowhere."""
    answer = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answer


def _readable(database: Path) -> str:
    """The id of the run in a stranger's database, after comparing the schema.

    Raises:
        VerificationFailed: the file is damaged, or its schema or its first event is not what this program writes.
        Unchecked: its schema is newer than this program.
    """
    try:
        with closing(connect_foreign(database)) as db:
            wrong = wrong_schema(db, tree_facts())
            if wrong:
                raise (Unchecked if wrong.newer else VerificationFailed)(f"the record cannot be trusted: {wrong.told}")
            row = db.execute("SELECT kind, payload FROM events WHERE seq = 1").fetchone()
            run_id = parse(row[1])[0].get("run_id") if row is not None and row[0] == "run.created" else None
    except _UNREADABLE as error:
        raise _unreadable(error) from error
    if not isinstance(run_id, str) or _RUN_ID.fullmatch(run_id) is None:
        raise VerificationFailed("the first event does not create a run with an id")
    return run_id


def _unreadable(error: Exception) -> VerificationFailed | Unchecked:
    return (Unchecked if is_hindrance(error) else VerificationFailed)(f"audit.db cannot be read ({error})")


def _agrees(root: Path) -> None:
    """Compares events.jsonl with the database: a reader of either must see the same run.

    Raises:
        VerificationFailed: they differ.
        Unchecked: reading them took too long.
    """
    try:
        with closing(connect(root / "audit.db")) as db, (root / "events.jsonl").open("rb") as lines:
            for number, expected in enumerate(event_lines(db), 1):
                if lines.read(len(expected)) != expected:
                    raise VerificationFailed(f"events.jsonl and audit.db differ at event {number}")
            if lines.read(1):
                raise VerificationFailed("events.jsonl holds more than audit.db")
    except _UNREADABLE as error:
        raise _unreadable(error) from error


def _passed(root: Path) -> list[Check]:
    """Every check of the record.

    Raises:
        VerificationFailed: one of them failed.
        Unchecked: not even its chain could be followed here.
        MemoryError: a check takes more memory than it may.
    """
    try:
        redaction_of(root)
        checks = verify_all(root)
    except (StorageError, *_UNREADABLE) as error:
        raise VerificationFailed(f"the record cannot be checked ({error})") from error
    for check in checks:
        if check.verdict == "failed":
            where = f" at event {check.event}" if check.event else ""
            raise VerificationFailed(f"check {check.name!r} failed{where}: {check.detail}")
        if check.detail == NO_MEMORY:
            raise MemoryError
        if check.name == "chain" and check.verdict == "unchecked":
            raise Unchecked(f"the record could not be read: {check.detail}")
    return checks


if __name__ == "__main__":
    main()
