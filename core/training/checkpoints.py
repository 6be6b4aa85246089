"""Files of models on disk: hashed, flushed, and trusted only where they match the record."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from core.durable import sync
from core.errors import InputError

_AT_ONCE = 4
"""Files that are hashed at the same time; a disk that reads 2 GB/s keeps no more of them busy."""


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Turns what safetensors and torch raise where a file cannot be written into an error of the system.

    Raises:
        OSError: names the folder; most often its disk is full.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        told = f"a checkpoint could not be written ({str(error).splitlines()[0]}); free some space and resume"
        raise OSError(errno.EIO, told, str(folder)) from error


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path in it with slashes; links to files are followed."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): found for path, found in zip(paths, _digests(paths), strict=True)}


def verify(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder, if every recorded file is there and unchanged.

    Raises:
        InputError: a file is missing or holds something else.
    """
    paths = [folder / name for name in files]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is missing; the run recorded it and cannot go on without it")
    for path, expected, found in zip(paths, files.values(), _digests(paths), strict=True):
        if found != expected:
            raise InputError(
                f"{path} does not hold what was recorded (SHA-256 {expected[:12]}…); restore the file, or clone the run"
            )
    return folder


def flush(folder: Path) -> None:
    """Makes whatever lies below a folder survive a power cut."""
    for path in [*folder.rglob("*"), folder, folder.parent]:
        sync(path)


def publish(temporary: Path, final: Path) -> None:
    """Gives a finished folder its name; what an interrupted attempt left under that name goes first."""
    flush(temporary)
    if final.exists():
        shutil.rmtree(final)
    temporary.rename(final)
    flush(final)


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path


def _digests(paths: Sequence[Path]) -> list[str]:
    """SHA-256 of each file, several at once: files are large, and hashing them lets other threads work."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(_sha256, paths))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
