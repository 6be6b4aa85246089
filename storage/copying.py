"""`dempo copy`: a whole copy of a run's folder, of one moment, while an engine may go on writing.

`cp` of a run under way takes `audit.db` without what still lies in `audit.db-wal`, and the copy is a good record of
fewer events. Here the database is a snapshot, and the copy is checked before it stands under its name.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.durable import sync
from core.errors import InputError, VerificationFailed
from core.run_folder import RunFolder
from storage.errors import sentences
from storage.record.foreign import is_imported, refuse_links
from storage.record.reader import lock_is_held
from storage.record.run_folders import require_record
from storage.snapshot import snapshot
from storage.verifier.vouching.entries import REGISTRY_NAME
from storage.verifier.vouching.kept import HEADS_FOLDER
from storage.verify import Check, verify_all

_BEHIND = frozenset({"audit.db", "audit.db-wal", "audit.db-shm", "audit.db-journal", "control", "checkpoints"})
"""What is not copied as it stands: the database is a snapshot, `control` is of this machine, checkpoints are asked
for."""


@dataclass(frozen=True)
class Copied:
    """A copy of a run: where it is, the head of its chain, and what of the run is in it."""

    run_id: str
    path: str
    bytes: int
    private: bool
    checkpoints: bool
    checks: tuple[Check, ...]


def copy_run(root: Path, folder: Path, *, checkpoints: bool, told: Callable[[str, float, float], None]) -> Copied:
    """Copies the run in `root` into `folder`, under the same name, whole or not at all.

    Raises:
        InputError: the target exists, `folder` is none or holds runs of its own, or an engine writes checkpoints.
        VerificationFailed: the copy fails a check.
        StorageError: the record cannot be read, or the copy not written.
    """
    root = root.resolve()
    require_record(RunFolder(root))
    target = folder / root.name
    _refuse(root, folder, target, checkpoints)
    with sentences(target):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{root.name}.", suffix=".partial", dir=folder) as scratch:
            copy = Path(scratch) / root.name
            told("copying", 0, 2)
            _write(root, copy, checkpoints)
            told("checking the copy", 1, 2)
            checks = tuple(_passed(copy))
            copied = Copied(
                run_id=root.name,
                path=str(target),
                bytes=sum(file.stat().st_size for file in _files(copy)),
                private=(copy / "private").exists(),
                checkpoints=(copy / "checkpoints").exists(),
                checks=checks,
            )
            if os.path.lexists(target):  # somebody was faster; a rename would replace an empty folder
                raise InputError(_taken(target))
            copy.rename(target)
        sync(folder)
    return copied


def _refuse(root: Path, folder: Path, target: Path, checkpoints: bool) -> None:
    if os.path.lexists(target):
        raise InputError(_taken(target))
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the folder that the copy shall lie in")
    if target.resolve().is_relative_to(root):
        raise InputError(f"{folder} lies in the run itself; name another folder with --to")
    if (folder / REGISTRY_NAME).exists() and not is_imported(root):
        raise InputError(
            f"{folder} is a folder of runs, and its {REGISTRY_NAME} does not name a run that is copied there; name "
            "another folder with --to"
        )
    if checkpoints and lock_is_held(RunFolder(root)):
        raise InputError("an engine works on this run and may be writing checkpoints; copy it without, or stop it")
    if is_imported(root):
        refuse_links(root)


def _taken(target: Path) -> str:
    return f"{target} exists; a copy replaces nothing, so move it away or name another folder with --to"


def _write(root: Path, copy: Path, checkpoints: bool) -> None:
    """Heads first, then the record, then what it refers to: an engine may add to each of them meanwhile."""
    copy.mkdir()
    names = sorted(path.name for path in root.iterdir() if path.name not in _BEHIND)
    for name in [HEADS_FOLDER] if HEADS_FOLDER in names else []:
        _copy(root / name, copy / name)
    snapshot(root / "audit.db", copy / "audit.db")
    for name in [*names, *(["checkpoints"] if checkpoints else [])]:
        if name != HEADS_FOLDER and (root / name).exists():
            _copy(root / name, copy / name)
    for path in [*_files(copy), *(path for path in copy.rglob("*") if path.is_dir()), copy]:
        sync(path)


def _copy(source: Path, target: Path) -> None:
    """A file or a folder with its permissions, without what is being written there just now."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*.partial"))
    else:
        shutil.copy2(source, target)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _passed(copy: Path) -> list[Check]:
    """Every check of the copy.

    Raises:
        VerificationFailed: one of them failed; so the run itself does, or something changed it meanwhile.
    """
    checks = verify_all(copy)
    for check in checks:
        if check.verdict == "failed":
            raise VerificationFailed(
                f"the copy of {copy.name} fails the check {check.name!r} ({check.detail}), so it was not kept; "
                "`dempo verify` says whether the run itself does"
            )
    return checks
