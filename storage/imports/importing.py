"""`dempo import`: somebody else's bundle becomes a run that can be read here and never written.

The bundle is unpacked beside the runs, checked there, and moved among them only when every check passed; of a refused
one nothing remains. Kept are the record, what it refers to, and its configuration. The report, tables, plots and
`verify.py` of a bundle are checked against its manifest and left behind: `dempo export` makes them anew from the
record, and nothing that a stranger wrote should be opened in a browser or run.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.durable import sync_folder, write_durably
from core.errors import InputError, VerificationFailed
from storage.checks_signatures import signature_checks
from storage.codec import now, parse
from storage.errors import StorageError
from storage.export.contents import event_lines
from storage.export.redaction import NOTE, redaction_of
from storage.foreign import MARK, as_written, connect_foreign
from storage.imports.bundle import Bundle, BundleRefused
from storage.reader import connect
from storage.verifier.shipped import verifier_digest
from storage.verify import Check, verify

_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,40}")
_KEPT = re.compile(rf"audit\.db|config\.toml|{re.escape(NOTE)}|artifacts/[0-9a-f]{{64}}|heads/[0-9]{{1,16}}\.json")
_NEEDED = ("audit.db", "events.jsonl")
_MARGIN = 64 * 1024**2

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
    checks: tuple[dict[str, Any], ...]

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def import_bundle(path: Path, runs: Path, told: Told) -> Imported:
    """Checks a bundle and puts its run below `runs`, whole or not at all.

    Raises:
        InputError: the bundle is not what `dempo export` writes, or cannot be read.
        VerificationFailed: its record fails a check; the message is the check's.
        StorageError: the run is here already, or the disk hasn't the space.
    """
    try:
        with Bundle(path) as bundle, _scratch(runs) as scratch:
            return _Import(path, bundle, runs, scratch, told).finish()
    except BundleRefused as error:
        raise BundleRefused(f"{path}: {error}; nothing was imported") from error
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror or error}; nothing was imported") from error


@contextmanager
def _scratch(runs: Path) -> Iterator[Path]:
    """A folder on the same disk as the runs, for the owner alone; whatever is in it at the end is removed."""
    new = not runs.exists()
    runs.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".importing-", dir=runs) as name:
            yield Path(name)
    except BaseException:
        if new and not any(runs.iterdir()):
            runs.rmdir()
        raise


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
        unpacked = self.scratch / "bundle"
        self._unpack(unpacked)
        self.told("reading the record", 1, 3)
        run_id = _readable(unpacked / "audit.db")
        if (self.runs / run_id).exists():
            raise StorageError(
                f"{self.runs / run_id} exists, and ids are never reused; import into another folder with --runs-dir"
            )
        root = unpacked.rename(self.scratch / run_id)
        (root / MARK).write_text("{}\n", encoding="utf-8")  # from here on it is opened as a stranger's
        _agrees(root)
        self.told("checking the record", 2, 3)
        checks = tuple(check.row() for check in _passed(root))
        imported = Imported(
            run_id=run_id,
            path=str(self.runs / run_id),
            source=self.path.name,
            sha256=self.bundle.digest(),
            redacted=redaction_of(root) is not None,
            verifier=self._verifier(),
            checks=checks,
        )
        self._move(root, imported)
        return imported

    def _check_space(self) -> None:
        needed, free = self.bundle.inflated + _MARGIN, shutil.disk_usage(self.scratch).free
        if free < needed:
            raise StorageError(
                f"{self.path}: it unpacks to {needed / 1024**2:,.0f} MiB and {free / 1024**2:,.0f} MiB are free "
                f"for {self.runs}; free some space, or import elsewhere with --runs-dir"
            )

    def _unpack(self, folder: Path) -> None:
        for name in _NEEDED:
            if name not in self.bundle.entries:
                raise BundleRefused(f"there is no {name} in it")
        done, total = 0, max(self.bundle.inflated, 1)

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.told("unpacking", done / total, 3)

        folder.mkdir()
        self.bundle.extract(folder, lambda name: name in _NEEDED or _KEPT.fullmatch(name) is not None, count)

    def _verifier(self) -> str:
        """Whether the bundle's verify.py is the one that this program would have written."""
        stated = self.bundle.manifest.get("verify.py")
        if stated is None:
            return "missing"
        return "same" if verifier_digest() == stated else "different"

    def _move(self, root: Path, imported: Imported) -> None:
        (root / "events.jsonl").unlink()  # says what audit.db says, which was checked
        note = {**imported.row(), "imported_at": now()}
        write_durably(root / MARK, (json.dumps(note, ensure_ascii=False, indent=2) + "\n").encode())
        for path in [p for p in root.rglob("*") if p.is_file()]:
            path.chmod(0o444)
        root.chmod(0o755)
        root.rename(self.runs / imported.run_id)
        sync_folder(self.runs)


def _readable(database: Path) -> str:
    """The id of the run in a stranger's database, after comparing the schema.

    Raises:
        VerificationFailed: the file is damaged, or its schema or its first event is not what this program writes.
    """
    try:
        with closing(connect_foreign(database)) as db:
            wrong = as_written(db)
            if wrong:
                raise VerificationFailed(f"the record cannot be trusted: {wrong}; nothing was imported")
            row = db.execute("SELECT kind, payload FROM events WHERE seq = 1").fetchone()
            run_id = parse(row[1])[0].get("run_id") if row is not None and row[0] == "run.created" else None
    except _UNREADABLE as error:
        raise VerificationFailed(f"audit.db cannot be read ({error}); nothing was imported") from error
    if not isinstance(run_id, str) or _RUN_ID.fullmatch(run_id) is None:
        raise VerificationFailed("the first event does not create a run with an id; nothing was imported")
    return run_id


_UNREADABLE = (sqlite3.Error, ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, MemoryError)
"""What a hostile record can raise in code that expects one of this program's."""


def _agrees(root: Path) -> None:
    """Compares events.jsonl with the database: a reader of either must see the same run.

    Raises:
        VerificationFailed: they differ.
    """
    try:
        with closing(connect(root / "audit.db")) as db, (root / "events.jsonl").open("rb") as lines:
            for number, expected in enumerate(event_lines(db), 1):
                if lines.read(len(expected)) != expected:
                    raise VerificationFailed(
                        f"events.jsonl and audit.db differ at event {number}; nothing was imported"
                    )
            if lines.read(1):
                raise VerificationFailed("events.jsonl holds more than audit.db; nothing was imported")
    except _UNREADABLE as error:
        raise VerificationFailed(f"audit.db cannot be read ({error}); nothing was imported") from error


def _passed(root: Path) -> list[Check]:
    """Every check of the record.

    Raises:
        VerificationFailed: one of them failed.
    """
    try:
        redaction_of(root)
        checks = [*verify(root), *signature_checks(root)]
    except (StorageError, *_UNREADABLE) as error:
        raise VerificationFailed(f"the record cannot be checked ({error}); nothing was imported") from error
    for check in checks:
        if check.verdict == "failed":
            where = f" at event {check.event}" if check.event else ""
            raise VerificationFailed(f"check {check.name!r} failed{where}: {check.detail}; nothing was imported")
    return checks
