"""Writing a file so that a crash leaves the old content, the new content, or no file: never half of one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
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


def written_by_content(folder: Path, write: Callable[[BinaryIO], None]) -> tuple[str, int]:
    """Writes a file as `durable_stream` does, and calls it by the SHA-256 of its content; (that name, its bytes).

    One of the same content is left as it is.

    Args:
        write: writes the content from its beginning to its end.
    """
    unnamed = folder / ".unnamed"
    try:
        with durable_stream(unnamed) as stream:
            write(stream)
        name, size = file_digest(unnamed), unnamed.stat().st_size
        if not (folder / name).exists():
            unnamed.replace(folder / name)
    finally:
        unnamed.unlink(missing_ok=True)
    sync(folder)
    return name, size


def write_durably(path: Path, body: bytes, mode: int = 0o666) -> None:
    """Writes the whole of a file as `durable_stream` does."""
    with durable_stream(path, mode) as stream:
        stream.write(body)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read piece by piece."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flushes a file to the disk, or a folder's entries: files made, moved or removed in it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
