"""What the list of runs shows, read from disk; a run that did not change is not read again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.run_folder import RunFolder
from storage.draws.waiting import waits_in
from storage.errors import StorageError
from storage.imports.origin import Origin, origin_of
from storage.record.damage import looked_through
from storage.record.reader import RunSummary, lock_is_held, summary_of
from storage.record.run_folders import run_folders
from tui.messages import RunsRead

_Signature = tuple[tuple[int, int] | None, ...]


@dataclass
class _Run:
    """A run, and how its files looked when it was read; what takes longer to find out is None until it is asked for."""

    signature: _Signature
    summary: RunSummary
    waits: tuple[str, ...] | None = None
    looked_through: RunSummary | None = None

    @property
    def unseen(self) -> bool:
        """Whether its file should be looked through; what an engine writes changes all the time."""
        return self.looked_through is None and self.summary.status not in (
            "running",
            "not begun",
            "unreadable",
        )


class RunList:
    """Reads the runs below a folder. What cannot be read is a line of the list, so that reading never fails."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[Path, _Run] = {}
        self._origins: dict[Path, Origin | None] = {}

    def read(self, chosen: Path | None = None) -> RunsRead:
        """Newest first; a run that cannot be read is listed with its sentence.

        What a paused run waits for takes longer to find out than the rest: only of the chosen one it is read.
        """
        try:
            roots = run_folders(self._runs)
        except StorageError as error:
            return RunsRead((), frozenset(), problem=str(error))
        self._known = {root: self._read_one(root) for root in roots}
        runs = tuple(run.looked_through or run.summary for run in self._known.values())
        stopping = frozenset(
            run.run_id for run in runs if run.status == "running" and os.path.exists(RunFolder(run.root).stop_request)
        )
        self._origins = {root: self._origin(root) for root in roots}
        origins = {root: origin for root, origin in self._origins.items() if origin is not None}
        if chosen in self._known:
            run = self._known[chosen]
            if run.summary.status == "paused" and run.waits is None:
                run.waits = tuple(waits_in(chosen))
        waits = {root: run.waits for root, run in self._known.items() if run.waits is not None}
        unseen = tuple(root for root, run in self._known.items() if run.unseen)
        return RunsRead(runs, stopping, origins, waits, unseen=unseen)

    def look_through(self, root: Path) -> None:
        """Looks through the file of a run that was listed; whether it is damaged is told from the next reading on."""
        run = self._known.get(root)
        if run is not None:  # else it was removed meanwhile
            run.looked_through = looked_through(run.summary)

    def _origin(self, root: Path) -> Origin | None:
        try:
            return self._origins.get(root) or origin_of(root)
        except OSError:
            return None  # nobody may look into the folder

    def _read_one(self, root: Path) -> _Run:
        signature = _signature(RunFolder(root))
        known = self._known.get(root)
        return known if known is not None and known.signature == signature else _Run(signature, summary_of(root))


def _signature(folder: RunFolder) -> _Signature:
    """What changes when a run does: its database, the write-ahead log, the progress note and the lock."""
    wal = folder.database.with_name("audit.db-wal")
    held = (int(lock_is_held(folder)), 0)
    return (*(_stat(path) for path in (folder.database, wal, folder.progress)), held)


def _stat(path: Path) -> tuple[int, int] | None:
    """Of the times the one that a change of the permissions changes too."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ctime_ns, found.st_size) if found.st_size else None  # a reader leaves an empty log behind
