"""Files of models on disk: hashed, flushed, and trusted only where they match the record."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.durable import sync
from core.errors import InputError


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
    """SHA-256 of every file directly in a folder, by name; links are followed."""
    return {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}


def verify(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder, if every recorded file is there and unchanged.

    Raises:
        InputError: a file is missing or holds something else.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path} is missing; the run recorded it and cannot go on without it")
        if _sha256(path) != expected:
            raise InputError(
                f"{path} does not hold what was recorded (SHA-256 {expected[:12]}…); restore the file, or clone the run"
            )
    return folder


def flush(folder: Path) -> None:
    """Makes the files of a folder survive a power cut."""
    for path in [*folder.iterdir(), folder, folder.parent]:
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


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
