"""The database of a run as it is now, whole in one file, while an engine may go on writing."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from storage.record.foreign import is_imported
from storage.record.reader import connect


def snapshot(database: Path, target: Path) -> None:
    """Writes the record in `database` to the new file `target`, what lies in its write-ahead log included.

    Raises:
        sqlite3.Error, OSError: it cannot be read, or the disk is full.
    """
    if is_imported(database.parent):
        shutil.copyfile(database, target)  # it has no log beside it, and nothing of it may run
        return
    with closing(connect(database)) as db:
        db.execute("PRAGMA query_only=OFF")  # VACUUM INTO asks for it; the file itself is opened read-only
        db.execute("VACUUM INTO ?", [str(target)])
