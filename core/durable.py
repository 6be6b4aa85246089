"""Writing a file so that a crash leaves the old content, the new content, or no file: never half of one."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, body: bytes, mode: int = 0o666) -> None:
    """Writes beside `path`, flushes to the disk and moves into place; holds also after a power cut.

    One process writes in a run's folders (it holds the run's lock), so a leftover of a killed one is replaced.

    Args:
        mode: permissions of the file, less the process's umask.
    """
    temporary = path.with_name(f".{path.name}.partial")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
