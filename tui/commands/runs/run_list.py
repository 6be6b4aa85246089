"""What the list of runs shows, read from disk; a run that did not change is not read again."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.run_folder import RunFolder
from storage.draws.waiting import waits_in
from storage.errors import StorageError
from storage.imports.origin import Origin, origin_of
from storage.record.damage import looked_through
from storage.record.reader import RunSummary, lock_is_held, summary_of
from storage.record.run_folders import run_folders
from storage.run_lines.how_far import how_far
from tui.messages import RunsRead

if TYPE_CHECKING:
    from storage.run_lines.said_of import SaidOf

_Stat = tuple[int, int] | None
_Signature = tuple[_Stat, ...]

_AT_ONCE = 0.25
"""Seconds of looking through runs behind which what was found is shown."""


@dataclass
class _Run:
    """A run, and how its files looked when it was read; what takes longer to find out is None until it is asked for.

    Attributes:
        verified: how the note of the last verification looked when `said` was found out.
        said: of a run at work what was found when its stage began: who leads is open until the end.
    """

    signature: _Signature
    summary: RunSummary
    waits: tuple[str, ...] | None = None
    looked_through: RunSummary | None = None
    verified: _Stat = None
    said: SaidOf | None = None

    @property
    def shown(self) -> RunSummary:
        """The line about the run, "damaged" once it is known to be."""
        return self.looked_through or self.summary

    @property
    def undamaged(self) -> bool:
        """Whether its file need not be looked through; what an engine writes changes all the time."""
        return self.looked_through is not None or self.summary.status in ("running", "not begun", "unreadable")


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
        runs = tuple(run.shown for run in self._known.values())
        stopping = frozenset(
            run.run_id for run in runs if run.status == "running" and os.path.exists(RunFolder(run.root).stop_request)
        )
        self._origins = {root: self._origin(root) for root in roots}
        origins = {root: origin for root, origin in self._origins.items() if origin is not None}
        if chosen in self._known:
            run = self._known[chosen]
            if run.summary.status == "paused" and run.waits is None:
                run.waits = tuple(waits_in(chosen))
        return RunsRead(
            runs,
            stopping,
            origins,
            {root: run.waits for root, run in self._known.items() if run.waits is not None},
            unseen=self._unseen(chosen),
            # of a run at work what is left changes with the time, also where its files don't
            far={root: how_far(run.shown) for root, run in self._known.items()},
            said={root: run.said for root, run in self._known.items() if run.said is not None},
        )

    def look_through(self, roots: Sequence[Path]) -> None:
        """Finds out about runs that were listed what takes longer: whether the file is damaged, and what is said.

        After some time it leaves the others for the next call, so that what was found is told from the next reading on.
        """
        from storage.run_lines.said_of import said_of  # with what reads results, which the list does not wait for

        end = time.monotonic() + _AT_ONCE
        for root in roots:
            run = self._known.get(root)
            if run is not None:  # else it was removed meanwhile
                if not run.undamaged:
                    run.looked_through = looked_through(run.summary)
                run.verified = _stat(RunFolder(root).verified)
                run.said = said_of(run.shown)
            if time.monotonic() > end:
                return

    def _unseen(self, chosen: Path | None) -> tuple[Path, ...]:
        """The chosen one first: its line has more room for what is said."""
        found = [root for root, run in self._known.items() if run.said is None or not run.undamaged]
        return tuple(sorted(found, key=lambda root: root != chosen))

    def _origin(self, root: Path) -> Origin | None:
        try:
            return self._origins.get(root) or origin_of(root)
        except OSError:
            return None  # nobody may look into the folder

    def _read_one(self, root: Path) -> _Run:
        signature, known = _signature(RunFolder(root)), self._known.get(root)
        run = known
        if run is None or run.signature != signature:
            run = _Run(signature, summary_of(root))
            if known is not None and _works_on(run.summary) and _works_on(run.summary) == _works_on(known.summary):
                run.said, run.verified = known.said, known.verified
        if run.said is not None and run.verified != _stat(RunFolder(root).verified):
            run.said = None
        return run


def _works_on(run: RunSummary) -> str:
    """The stage that an engine is at; "" where none works."""
    return run.stage if run.status == "running" else ""


def _signature(folder: RunFolder) -> _Signature:
    """What changes when a run does: its database, the write-ahead log, the progress note and the lock."""
    wal = folder.database.with_name("audit.db-wal")
    held = (int(lock_is_held(folder)), 0)
    return (*(_stat(path) for path in (folder.database, wal, folder.progress)), held)


def _stat(path: Path) -> _Stat:
    """Of the times the one that a change of the permissions changes too."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ctime_ns, found.st_size) if found.st_size else None  # a reader leaves an empty log behind
