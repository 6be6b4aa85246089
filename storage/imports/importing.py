"""`dempo import`: somebody else's bundle becomes a run that can be read here and never written.

The bundle is unpacked beside the runs, checked there, and moved among them only when every check passed; of a refused
one nothing remains. A bundle with a file that `dempo export` does not write is refused: whoever unzips it may run what
lies there. Kept are the record and what it refers to. Everything else is checked against its manifest, compared with
the record as far as it follows from it, and left behind: `dempo export` makes report, tables and plots anew, and
nothing that a stranger wrote should be opened in a browser or run. The checks are
made by a process of their own within limits of time and memory (`storage.imports.confined`).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.durable import sync, write_durably
from core.errors import InputError
from storage.errors import StorageError
from storage.export.redaction import redaction_of
from storage.imports.bundle import Bundle, BundleRefused
from storage.imports.confined import examined
from storage.imports.names import refuse_strange
from storage.imports.origin import compared
from storage.record.codec import now
from storage.record.foreign import MARK, arrival, import_note
from storage.verifier.shipped import CHAIN_NAME, VERIFIER_NAME
from storage.verifier.vouching.bundled import KEPT_BY_IMPORT, files_below

_NEEDED = ("audit.db", "events.jsonl")
_MARGIN = 64 * 1024**2
_SCRATCH = ".importing-"
_LEFT_OVER = 60.0
"""Seconds after which a folder of an import that nobody works in was left behind by one that was killed."""

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)

Told = Callable[[str, float, float], None]
"""Called with what is being done, done and total."""


@dataclass(frozen=True)
class Imported:
    """A run that came in a bundle: where it is now and what was found."""

    run_id: str
    path: str
    source: str
    sha256: str
    redacted: bool
    verifier: str
    chain: str
    checks: tuple[dict[str, Any], ...]


def import_bundle(path: Path, runs: Path, told: Told) -> Imported:
    """Checks a bundle and puts its run below `runs`, whole or not at all.

    Raises:
        InputError: the bundle is not what `dempo export` writes, or cannot be read.
        VerificationFailed: its record fails a check; the message is the check's.
        Unchecked: its record could not be read or checked here within the limits.
        StorageError: the run is here already, or the disk hasn't the space.
    """
    try:
        with _opened(path) as bundle, _scratch(runs) as scratch:
            return _Import(path, bundle, runs, scratch, told).finish()
    except BundleRefused as error:
        raise BundleRefused(f"{path}: {error}; nothing was imported") from error
    except OSError as error:
        raise StorageError(f"{error.filename or runs}: {error.strerror or error}; nothing was imported") from error


def _opened(path: Path) -> Bundle:
    try:
        return Bundle(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; nothing was imported") from error


@contextmanager
def _scratch(runs: Path) -> Iterator[Path]:
    """A folder on the same disk as the runs, for the owner alone; whatever is in it at the end is removed.

    It is locked as long as it is used, so that the next import removes what one that was killed left behind.
    """
    new = not runs.exists()
    runs.mkdir(parents=True, exist_ok=True)
    _remove_left_over(runs)
    try:
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=runs) as name:
            lock = os.open(name, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield Path(name)
            finally:
                os.close(lock)
    except BaseException:
        if new and not any(runs.iterdir()):
            runs.rmdir()
        raise


def _remove_left_over(runs: Path) -> None:
    for folder in runs.glob(f"{_SCRATCH}*"):
        if folder.is_symlink() or time.time() - folder.stat().st_mtime < _LEFT_OVER:
            continue
        try:
            lock = os.open(folder, os.O_RDONLY)
        except OSError:
            continue  # somebody else's, or removed by its own import
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # an import is at work in it
        finally:
            os.close(lock)


def _leave_behind(root: Path) -> None:
    """Removes what was unpacked to be compared with the record: it says what the record says, or nobody checked it."""
    for name in list(files_below(root)):
        if KEPT_BY_IMPORT.fullmatch(name) is None:
            (root / name).unlink()
    for folder in [path for path in root.iterdir() if path.is_dir() and not any(path.iterdir())]:
        folder.rmdir()


class _Import:
    """One import under way."""

    def __init__(self, path: Path, bundle: Bundle, runs: Path, scratch: Path, told: Told) -> None:
        self.path = path
        self.bundle = bundle
        self.runs = runs
        self.scratch = scratch
        self.told = told

    def finish(self) -> Imported:
        """Unpacks, checks and moves."""
        self._check_space()
        root = self.scratch / "bundle"
        self._unpack(root)
        found = examined(root, self.runs, lambda seconds: self.told(f"checking the record, {seconds:.0f} s", 2, 3))
        if found["taken"]:
            raise self._taken(found["run_id"])
        imported = Imported(
            run_id=found["run_id"],
            path=str(self.runs / found["run_id"]),
            source=self.path.name,
            sha256=self.bundle.digest(),
            redacted=redaction_of(root) is not None,
            verifier=compared(VERIFIER_NAME, self.bundle.manifest.get(VERIFIER_NAME)),
            chain=compared(CHAIN_NAME, self.bundle.manifest.get(CHAIN_NAME)),
            checks=tuple(found["checks"]),
        )
        self._move(root, imported)
        return imported

    def _taken(self, run_id: str) -> StorageError:
        place = self.runs / run_id
        if arrival(place) == "imported" and import_note(place).get("sha256") == self.bundle.digest():
            return StorageError(f"{self.path} was imported before: this very bundle is the run in {place}")
        return StorageError(
            f"{place} exists and is not this bundle, and ids are never reused; import into another folder with "
            "--runs-dir"
        )

    def _check_space(self) -> None:
        needed, free = self.bundle.inflated + _MARGIN, shutil.disk_usage(self.scratch).free
        if free < needed:
            raise StorageError(
                f"{self.path}: it unpacks to up to {self.bundle.inflated / 1024**2:,.1f} MiB, plus "
                f"{_MARGIN / 1024**2:.0f} MiB that are kept free, and {free / 1024**2:,.1f} MiB are free for "
                f"{self.runs}; free some space, or import elsewhere with --runs-dir"
            )

    def _unpack(self, folder: Path) -> None:
        for name in _NEEDED:
            if name not in self.bundle.entries:
                raise BundleRefused(f"there is no {name} in it")
        refuse_strange(self.bundle.entries)
        done, total = 0, max(self.bundle.inflated, 1)

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.told("unpacking", done / total, 3)

        folder.mkdir()
        self.bundle.extract(folder, count)

    def _move(self, root: Path, imported: Imported) -> None:
        _leave_behind(root)
        note = {**asdict(imported), "imported_at": now()}
        write_durably(root / MARK, (json.dumps(note, indent=2) + "\n").encode())
        for path in root.rglob("*"):
            if path.is_dir():
                sync(path)
            else:
                path.chmod(0o444)
        root.chmod(0o755)
        try:
            root.rename(self.runs / imported.run_id)
        except OSError as error:
            if error.errno in _TAKEN:  # another import was faster
                raise self._taken(imported.run_id) from error
            raise
        sync(self.runs)
