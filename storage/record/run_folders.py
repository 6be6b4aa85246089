"""Which folders hold the record of a run, and which of them can be read.

A folder of runs may be shared: other people's runs lie there, and one that is closed to this user is a line of the
list, never the end of a command about another run.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from core.run_folder import RunFolder
from storage.errors import NotFound, StorageError, sentences
from storage.record.beginnings import never_begun, told_of_beginning
from storage.verifier.ground.reading import holds_record


def run_folders(runs: Path) -> list[Path]:
    """Every folder with a record, the last name first, every one that was to get one, and every one that is closed.

    Raises:
        StorageError: the folder of the runs itself cannot be read.
    """
    with sentences(runs):
        try:
            names = sorted(os.listdir(runs), reverse=True)
        except FileNotFoundError:
            return []
    found = (runs / name for name in names if not name.startswith("."))  # an import under way is no run yet
    return [root for root in found if holds_record(root) is not False or never_begun(root)]


def require_record(folder: RunFolder) -> None:
    """Stops before a record is opened that is not there or cannot be read; a pipe by its name would never end.

    Raises:
        NotFound: the folder holds none.
        StorageError: what is there cannot be read, is no file, or was cut off before its first event.
    """
    database = folder.database
    if never_begun(folder.root):
        raise StorageError(told_of_beginning(folder.root))
    if holds_record(folder.root) is False:
        raise NotFound(f"{folder.root} holds no run (audit.db is missing)")
    with sentences(database):
        try:
            mode = database.stat().st_mode
        except FileNotFoundError:
            raise StorageError(f"{database}: this is a link that leads nowhere") from None
        if not stat.S_ISREG(mode):
            raise StorageError(f"{database}: this is a {_kind(mode)}, and no record of a run")
        if not os.access(database, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _kind(mode: int) -> str:
    return "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "device or socket"
