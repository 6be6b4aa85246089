"""Removing a run for good: what would go, and the entry in the registry that says that it went, and why.

What was recorded cannot be had back, and a run that is missing may be one that somebody did not like. So the registry
keeps that it was here, its last event and the reason, and `dempo verify` of the runs beside it says so.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from core.facts.plural import number_of
from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.record.beginnings import never_begun
from storage.record.foreign import is_imported
from storage.record.lock import take_lock
from storage.record.reader import Reader, lock_is_held
from storage.record.registry import registration, registry_path
from storage.verifier.vouching.entries import Registry, read_registry

_SCRATCH = ".removing-"

_SHOWN = 1024**2 // 20
"""Bytes of a part that is named by itself."""

_PARTS = {
    "audit.db": "record",
    "audit.db-wal": "record",
    "audit.db-shm": "record",
    "artifacts": "artifacts",
    "checkpoints": "models",
    "private": "private",
}
"""What lies in a run's folder, in words; all else is "the rest"."""


@dataclass(frozen=True)
class Removal:
    """What goes with a run: how many files, and bytes by what they are."""

    root: Path
    begun: bool
    files: int
    parts: dict[str, int]
    engine: str
    """Why it cannot be removed now: an engine works on it; else empty."""

    @property
    def bytes(self) -> int:
        """All of them."""
        return sum(self.parts.values())

    def told(self) -> str:
        """Number of files and size, by what they are."""
        shares = ", ".join(f"{what} {_size(count)}" for what, count in self.parts.items() if count >= _SHOWN)
        return f"{number_of(self.files, 'file')}, {_size(self.bytes)}" + (f" ({shares})" if shares else "")


@dataclass(frozen=True)
class Removed:
    """What was removed, and the registry's entry that says so; 0 where the registry does not name the run."""

    run_id: str
    path: str
    files: int
    bytes: int
    begun: bool
    entry: int


def removal_of(root: Path) -> Removal:
    """What would be removed with a run. Nothing is changed.

    Raises:
        StorageError: the folder is a link, or cannot be read.
    """
    _require_folder(root)
    files, parts = 0, dict.fromkeys([*dict.fromkeys(_PARTS.values()), "the rest"], 0)
    with sentences(root):
        for part, size in _sizes(root):
            files += 1
            parts[_PARTS.get(part, "the rest")] += size
    folder = RunFolder(root)
    engine = f"an engine works on {root.resolve().name}: `dempo stop` ends it" if lock_is_held(folder) else ""
    return Removal(root, not never_begun(root), files, parts, engine)


def remove_run(root: Path, reason: str = "") -> Removed:
    """Removes a run's folder with all that is in it, and enters that where the registry names it; both or neither.

    Whoever makes a run holds the registry until it is there, so none that is being made is removed.

    Raises:
        StorageError: an engine works on the run, it is being made, the registry is damaged, or it cannot be removed.
    """
    _require_folder(root)
    root = root.resolve()
    runs, scratch, entry = root.parent, None, 0
    try:
        with registration(runs) if registry_path(runs).exists() else nullcontext() as registry:
            goes = removal_of(root)
            if goes.engine and not goes.begun:
                raise StorageError(f"{root.name} is being made by another process")
            known = _whole_registry(runs)
            named = known is not None and known.names(root.name)
            if named and not goes.begun:
                told = f"registry.db names {root.name}: it had a first event once, so {root} is not removed"
                raise StorageError(told)
            with _no_engine(root), sentences(root):
                if named and known is not None and registry is not None:
                    entry = registry.enter_removal(root.name, *_last_of(root, known), reason)
                scratch = _moved_away(root)
    except BaseException:
        if scratch is not None:
            (scratch / root.name).rename(root)
            scratch.rmdir()
        raise
    with sentences(scratch):
        shutil.rmtree(scratch)
    return Removed(root.name, str(root), goes.files, goes.bytes, goes.begun, entry)


def _moved_away(root: Path) -> Path:
    """A hidden folder beside the runs that now holds the run: what is there is no run any more. What an earlier removal
    left there, because it was killed, goes."""
    for left in root.parent.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=root.parent))
    try:
        root.rename(folder / root.name)
    except BaseException:
        folder.rmdir()
        raise
    return folder


def _require_folder(root: Path) -> None:
    if root.is_symlink():
        raise StorageError(f"{root} is a link to {os.readlink(root)}; remove the link by hand, or name the run there")


def _sizes(root: Path) -> Iterator[tuple[str, int]]:
    """Of every file the name of what it lies in, and its bytes; links are not followed."""
    for here, folders, names in os.walk(root, onerror=_raise):
        where = Path(here)
        for name in (*names, *(folder for folder in folders if (where / folder).is_symlink())):
            part = (where / name).relative_to(root).parts[0]
            found = (where / name).lstat()
            yield part, found.st_size if stat.S_ISREG(found.st_mode) else 0


def _raise(error: OSError) -> None:
    raise error


def _size(count: int) -> str:
    return f"{count / 1024**2:,.1f} MiB"


def _whole_registry(runs: Path) -> Registry | None:
    """The registry; where it is damaged, nothing is removed that it could not say afterwards."""
    path = registry_path(runs)
    if not path.is_file() or not path.stat().st_size:
        return None
    with sentences(path):
        known = read_registry(runs)
    if known is not None and known.problem:
        raise StorageError(f"{path}: {known.problem}, so it cannot be entered there that a run is removed")
    return known


def _last_of(root: Path, known: Registry) -> tuple[int, str]:
    """The last event of a run: as recorded, or where that cannot be read, as the registry knows it."""
    with suppress(StorageError):
        return Reader(root).head()
    rests = known.rests_of(root.name)
    if rests:
        return rests[-1].event, rests[-1].head
    return 1, next(entry.genesis for entry in known.entries if entry.run_id == root.name)


@contextmanager
def _no_engine(root: Path) -> Iterator[None]:
    """Holds the lock of a run, so that no engine begins to work on it; nothing is ever written in somebody else's."""
    if is_imported(root) or not (root / "control").is_dir():
        yield
        return
    descriptor = take_lock(RunFolder(root))
    try:
        yield
    finally:
        os.close(descriptor)
