"""Writing a file so that a crash leaves the old content, the new content, or no file: never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def durable_stream(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A seekable stream beside `path` that takes its place when the block ends, flushed to the disk.

    Where the block raises, nothing is left and an older `path` stays. One process writes in a run's folders (it
    holds the run's lock), so a leftover of a killed one is replaced.

    Args:
        mode: permissions of the file, less the process's umask.
    """
    temporary = path.with_name(f".{path.name}.partial")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_durably(path: Path, body: bytes, mode: int = 0o666) -> None:
    """Writes the whole of a file as `durable_stream` does."""
    with durable_stream(path, mode) as stream:
        stream.write(body)


def sync(path: Path) -> None:
    """Flushes a file to the disk, or a folder's entries: files made, moved or removed in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
