"""Writing the zip of a bundle: the same files make the same bytes, and there is never half of one."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from core.durable import durable_stream
from storage.errors import StorageError
from storage.imports.bundle import MANIFEST, MOST_BYTES
from storage.verifier.contents.whole import file_digest

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say: when a file was packed is no part of the record."""

_CHUNK = 1024**2


def manifest(files: Mapping[str, Path]) -> str:
    """SHA-256 of every file in the format of `sha256sum`, by name."""
    return "".join(f"{file_digest(path)}  {name}\n" for name, path in sorted(files.items()))


def pack(files: Mapping[str, Path], target: Path, told: Callable[[int], None]) -> None:
    """Writes the files under their names, and the manifest of them all, to `target`.

    Args:
        told: called with the number of bytes packed so far.

    Raises:
        StorageError: the bundle would be larger than `MOST_BYTES`.
        OSError: the disk is full, or a file cannot be read.
    """
    done = 0
    try:
        with durable_stream(target) as stream, zipfile.ZipFile(stream, "w", allowZip64=False) as bundle:
            for name, path in sorted(files.items()):
                with path.open("rb") as source, bundle.open(_entry(name, path.stat().st_size), "w") as out:
                    while chunk := source.read(_CHUNK):
                        out.write(chunk)
                        done += len(chunk)
                        told(done)
            bundle.writestr(_entry(MANIFEST), manifest(files))
    except (zipfile.LargeZipFile, RuntimeError) as error:  # zipfile notices some of it only after the fact
        raise StorageError(f"{target}: a bundle must be smaller than {MOST_BYTES / 1024**3:.0f} GiB") from error


def _entry(name: str, size: int = 0) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    entry.create_system = 3
    entry.file_size = size
    return entry
