"""What the list of runs shows, read from disk; a run that did not change is not read again."""

from __future__ import annotations

import os
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


class RunList:
    """Reads the runs below a folder. What cannot be read is a line of the list, so that reading never fails."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._known: dict[Path, tuple[_Signature, RunSummary]] = {}
        self._waits: dict[Path, tuple[_Signature, tuple[str, ...]]] = {}
        self._origins: dict[Path, Origin | None] = {}
        self._damage: dict[Path, tuple[_Signature, RunSummary]] = {}

    def read(self, chosen: Path | None = None) -> RunsRead:
        """Newest first; a run that cannot be read is listed with its sentence.

        What a paused run waits for takes longer to find out than the rest: only of the chosen one it is read.
        """
        try:
            roots = run_folders(self._runs)
        except StorageError as error:
            return RunsRead((), frozenset(), problem=str(error))
        self._known = {root: self._read_one(root) for root in roots}
        runs = tuple(self._with_damage(root) for root in roots)
        stopping = frozenset(
            run.run_id for run in runs if run.status == "running" and os.path.exists(RunFolder(run.root).stop_request)
        )
        self._origins = {root: self._origin(root) for root in roots}
        origins = {root: origin for root, origin in self._origins.items() if origin is not None}
        if chosen in self._known:
            self._read_waits(chosen)
        waits = {root: told for root, (at, told) in self._waits.items() if at == self._known.get(root, (None,))[0]}
        return RunsRead(runs, stopping, origins, waits, unseen=tuple(filter(self._is_unseen, roots)))

    def look_through(self, root: Path) -> None:
        """Looks through the file of a run that was listed; whether it is damaged is told from the next reading on."""
        known = self._known.get(root)
        if known is not None:  # else it was removed meanwhile
            self._damage[root] = known[0], looked_through(known[1])

    def _is_unseen(self, root: Path) -> bool:
        signature, summary = self._known[root]
        resting = summary.status not in ("running", "unreadable")  # what an engine writes changes all the time
        return resting and self._damage.get(root, (None,))[0] != signature

    def _with_damage(self, root: Path) -> RunSummary:
        signature, summary = self._known[root]
        at, found = self._damage.get(root, (None, summary))
        return found if at == signature else summary

    def _origin(self, root: Path) -> Origin | None:
        try:
            return self._origins.get(root) or origin_of(root)
        except OSError:
            return None  # nobody may look into the folder

    def _read_waits(self, root: Path) -> None:
        signature, summary = self._known[root]
        if summary.status == "paused" and self._waits.get(root, (None,))[0] != signature:
            self._waits[root] = signature, tuple(waits_in(root))

    def _read_one(self, root: Path) -> tuple[_Signature, RunSummary]:
        signature = _signature(RunFolder(root))
        known = self._known.get(root)
        return known if known is not None and known[0] == signature else (signature, summary_of(root))


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
