"""Whether the file of a record is damaged, by a look at all of it.

A view reads through indexes. Where bytes of the file were changed it may find nothing, and what shows it would say that
nothing is recorded yet, of a run that says it is complete. So whoever shows a run looks through its file first:
structure, schema, chain and texts, as the first checks of `dempo verify` do. Ten thousand events take about 0.2 s.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.record.codec import is_whole
from storage.record.reader import RunSummary, lock_is_held
from storage.record.run_folders import require_record
from storage.signatures.heads import followed
from storage.verifier.ground.reading import opened_safely, wrong_schema
from storage.verifier.writer_facts import schema_facts


def looked_through(run: RunSummary) -> RunSummary:
    """The line about a run, "damaged" and why where its file is."""
    found = damage_in(run.root) if run.status not in ("running", "not begun", "unreadable") else ""
    return replace(run, status="damaged", detail=found) if found else run


def told_of(damage: str, root: Path) -> str:
    """What `damage_in` found, for whoever looks at the run; "" where it found nothing."""
    if not damage:
        return ""
    return f"damaged: {damage}; what is shown may be wrong or missing, and `dempo verify {root.name}` says more"


def damage_in(root: Path) -> str:
    """What is wrong with a record's file, in words; "" where nothing is, and while an engine writes it."""
    folder = RunFolder(root)
    if lock_is_held(folder):
        return ""
    try:
        require_record(folder)
        return _wrong_file(folder.database) or followed(folder.database).wrong
    except StorageError as error:
        return str(error)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return f"its events are not what this program writes ({type(error).__name__})"


def _wrong_file(database: Path) -> str:
    with sentences(database), closing(opened_safely(database)) as db:
        structure = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        if structure != "ok":
            return f"its file is broken ({structure})"
        wrong = wrong_schema(db, schema_facts())
        return wrong.told if wrong else _wrong_text(db)


def _wrong_text(db: sqlite3.Connection) -> str:
    for key, body in db.execute("SELECT sha256, body FROM blobs NOT INDEXED"):
        if not is_whole(key, body):
            return f"the text {str(key)[:12]}… was changed"
    return ""
