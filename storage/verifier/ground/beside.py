"""What lies beside a database and changes what is read from it: SQLite's write-ahead log and its rollback journal.

A record that came in a bundle is opened as unchanging, so here they are never replayed. Any other SQLite tool would
replay them, and show another record than the one that was checked.
"""

from __future__ import annotations

import os
from pathlib import Path

JOURNALS = ("-wal", "-journal", "-shm")

HEADER_VERSIONS = slice(18, 20)
"""Bytes of a database's header that say how it is written and read: 1 by a rollback journal, 2 by a write-ahead log."""


def why_not_alone(database: Path) -> str:
    """Why the database of a bundle is read as another one elsewhere, as a sentence; "" where nothing is."""
    beside = [database.name + end for end in JOURNALS if os.path.lexists(f"{database}{end}")]
    if beside:
        return (
            f"{', '.join(beside)} beside the record of a bundle: it was not read here, and another SQLite tool would "
            "show what it holds in place of what was checked; no bundle holds such a file"
        )
    with database.open("rb") as stream:
        versions = stream.read(HEADER_VERSIONS.stop)[HEADER_VERSIONS]
    if 2 in versions:
        return f"{database.name} asks for a write-ahead log in its header, as the database of a bundle never does"
    return ""


def has_log_beside(database: Path) -> bool:
    """Whether part of a record lies in its write-ahead log: while an engine writes, and after one that was killed."""
    try:
        return os.lstat(f"{database}-wal").st_size > 0
    except OSError:
        return False


def more_than_one_file(database: Path) -> str:
    """The sentence for a run of one's own whose record is more than one file just now; "" where it is one."""
    if not has_log_beside(database):
        return ""
    told = f"part of this record lies in {database.name}-wal just now, so {database.name} alone is not all of it"
    return f"{told}: `dempo copy` makes a whole copy"
