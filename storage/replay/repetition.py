"""What a replay needs of a record: its events up to a number, and a recorder that keeps a repetition in memory.

Nothing is ever written below the run's folder. A record at rest is opened as unchanging, because SQLite's
ordinary read-only mode leaves two files beside a database with a write-ahead log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import InputError
from core.events import Event, RunCreated, SettingsChanged, UnitCompleted, decode, decode_text, digest
from core.events.earlier_calls import EarlierCalls
from core.facts.chain import NO_EVENT
from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.record.codec import exact_text
from storage.record.reader import lock_is_held, require_event
from storage.record.run_folders import require_record
from storage.record.sealing import BodyOf, bodies_of, known, read_payload

if TYPE_CHECKING:
    from core.types import Earlier

E = TypeVar("E", bound=Event)

ProgressListener = Callable[[str, float, float, str], None]


@dataclass(frozen=True)
class Line:
    """One recorded event: its payload as written, and its values without the envelope of unit and attempt, with the
    fields of sealed parts; those that are not here stay named under "sealed"."""

    seq: int
    stage: str
    kind: str
    payload: str
    values: dict[str, Any]
    unit: tuple[str, int] | None

    def event(self) -> Event:
        """The event that the line stands for.

        Raises:
            KeyError, ValueError: an event that this version does not know, or with other fields.
        """
        return decode(self.kind, known(self.values))


class Recorded:
    """A run's record up to an event, read once; texts are read where they are asked for."""

    def __init__(self, folder: RunFolder, until: int | None = None) -> None:
        """
        Raises:
            StorageError: there is no run, its file is damaged, or it has no such event.
        """
        self.folder = folder
        require_record(folder)
        with sentences(folder.database):
            self._db = _open(folder)
        try:
            self.lines = self._read(until)
        except BaseException:
            self.close()
            raise
        self._completed: dict[str, dict[str, tuple[Event, ...]]] = {}

    def _read(self, until: int | None) -> tuple[Line, ...]:
        with sentences(self.folder.database):
            last = self._db.execute("SELECT max(seq) FROM events").fetchone()[0] or 0
            if until is not None:
                require_event(until, last, self.folder.root.name)
            rows = self._db.execute(
                "SELECT seq, stage, kind, payload FROM events WHERE seq <= ? ORDER BY seq", [until or last]
            ).fetchall()
        if not rows:
            raise StorageError(f"{self.folder.database} holds no event; this run was never begun")
        body_of = bodies_of(self._db)
        return tuple(_line(self.folder.database, body_of, *row) for row in rows)

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    @property
    def head(self) -> int:
        """Number of the last event that is looked at."""
        return self.lines[-1].seq

    @property
    def head_hash(self) -> str:
        """Its hash."""
        with sentences(self.folder.database):
            return str(self._db.execute("SELECT hash FROM events WHERE seq = ?", [self.head]).fetchone()[0])

    @property
    def genesis(self) -> RunCreated:
        """The first event.

        Raises:
            StorageError: it is not what this version writes.
        """
        try:
            return RunCreated.model_validate(known(self.lines[0].values))
        except ValueError as error:
            raise StorageError(f"{self.folder.database}: its first event cannot be read; run `dempo verify`") from error

    @property
    def changes(self) -> list[SettingsChanged]:
        """The changes of operational settings, in their order."""
        found = (line.values for line in self.lines if line.kind == SettingsChanged.kind)
        return [SettingsChanged.model_validate(known(values)) for values in found]

    @cached_property
    def _by_stage(self) -> dict[str, list[Line]]:
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.stage, []).append(line)
        return found

    def of(self, stage: str) -> list[Line]:
        """Every event of a stage ("run" for those of none), in order."""
        return self._by_stage.get(stage, [])

    def attempts(self, stage: str) -> dict[str, int]:
        """The last completed attempt of every unit of a stage, by unit."""
        return {line.unit[0]: line.unit[1] for line in self.of(stage) if line.unit and line.kind == UnitCompleted.kind}

    def units(self, stage: str) -> dict[str, list[Line]]:
        """The events that count of every completed unit of a stage: those of its last completed attempt."""
        last = self.attempts(stage)
        found: dict[str, list[Line]] = {key: [] for key in last}
        for line in self.of(stage):
            if line.unit and line.kind != UnitCompleted.kind and last.get(line.unit[0]) == line.unit[1]:
                found[line.unit[0]].append(line)
        return found

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        """`units` as events, as `core.events.Recorder` asks for them.

        Raises:
            KeyError, ValueError: as `Line.event` does.
        """
        if stage not in self._completed:
            units = self.units(stage)
            self._completed[stage] = {key: tuple(line.event() for line in lines) for key, lines in units.items()}
        return self._completed[stage]

    def text(self, sha256: str) -> str:
        """The exact text of a blob.

        Raises:
            StorageError: it is missing (withheld, or removed), or was changed.
        """
        with sentences(self.folder.database):
            row = self._db.execute("SELECT body FROM blobs WHERE sha256 = ?", [sha256]).fetchone()
        if row is None:
            raise StorageError(f"the text {sha256[:12]}… is not in the record")
        return exact_text(sha256, row[0])

    def text_or_empty(self, sha256: str) -> str:
        """The exact text of a blob, or "" where it is missing."""
        return "" if self.lacking([sha256]) else self.text(sha256)

    def lacking(self, names: Sequence[str]) -> list[str]:
        """Those of some texts, by SHA-256, that the record does not hold."""
        return [name for name in dict.fromkeys(names) if name not in self._blobs]

    @cached_property
    def _blobs(self) -> frozenset[str]:
        with sentences(self.folder.database):
            return frozenset(name for (name,) in self._db.execute("SELECT sha256 FROM blobs"))


@dataclass(frozen=True)
class Repeated:
    """One event of a repetition, with the values it would have had in the record."""

    kind: str
    values: dict[str, Any]
    unit: str | None


class Repetition:
    """A `core.events.Recorder`: one stage's new events stay in memory, all other stages are as recorded."""

    def __init__(self, record: Recorded, stage: str, listener: ProgressListener) -> None:
        self._record = record
        self._listener = listener
        self.stage = stage
        self.lines: list[Repeated] = []
        self._given: dict[str, tuple[Event, ...]] = {}
        self._blobs: dict[str, bytes] = {}

    def give(self, unit: str, events: Sequence[Event]) -> None:
        """Hands the stage a unit that it finds completed, instead of doing it."""
        self._given[unit] = tuple(events)

    def record(
        self,
        stage: str,
        events: Sequence[Event],
        *,
        unit: tuple[str, int] | None = None,
        blobs: Sequence[bytes] = (),
    ) -> None:
        """Keeps events and blobs of the stage that is repeated."""
        assert stage == self.stage, "restored stages record nothing"
        key = None if unit is None else unit[0]
        self.lines += [Repeated(event.kind, event.payload(), key) for event in events]
        self._blobs |= {digest(body): body for body in blobs}

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        """Units that were given to the stage that is repeated; of any other stage what is recorded."""
        return dict(self._given) if stage == self.stage else dict(self._record.completed(stage))

    def every(self, kind: type[E]) -> list[E]:
        """None: nothing was done before."""
        return []

    def attempts(self, stage: str) -> dict[str, int]:
        """None: every unit is done for the first time."""
        return {}

    def interrupted(self, stage: str, unit: str) -> tuple[Event, ...]:
        """None: every unit is done for the first time."""
        return ()

    def leaf_key(self, kind: str, *about: str) -> str:
        """None of this run's: trees have salts of their own record, where `dempo verify` works them out again."""
        return NO_EVENT

    def text(self, sha256: str) -> str:
        """A text of the repetition, or of the record."""
        return decode_text(self._blobs[sha256]) if sha256 in self._blobs else self._record.text(sha256)

    def earlier(self, root: Path) -> Earlier:
        """None: questions and answers that existed are taken from the record.

        Raises:
            InputError: always.
        """
        raise InputError(f"a repetition reads no other run ({root.name})")

    def earlier_calls(self, root: Path, label: str) -> EarlierCalls:
        """None: what was taken over from another run is what the record holds.

        Raises:
            InputError: always.
        """
        raise InputError(f"a repetition takes nothing over from another run ({root.name})")

    def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        """Tells people how far it is."""
        self._listener(stage, done, total, detail)


def _open(folder: RunFolder) -> sqlite3.Connection:
    """A connection that leaves no trace; that of a live run reads along with its writer."""
    log = folder.database.with_name(f"{folder.database.name}-wal")
    at_rest = not lock_is_held(folder) and not log.exists()
    mode = "mode=ro&immutable=1" if at_rest else "mode=ro"
    db = sqlite3.connect(f"{folder.database.resolve().as_uri()}?{mode}", uri=True, timeout=5)
    db.text_factory = lambda body: body.decode("utf-8", "replace")
    for pragma in ("query_only=ON", "trusted_schema=OFF"):
        db.execute(f"PRAGMA {pragma}")
    return db


def _line(database: Path, body_of: BodyOf, seq: int, stage: str, kind: str, payload: str) -> Line:
    try:
        with sentences(database):
            values, unit = read_payload(payload, body_of)
    except (ValueError, AttributeError, TypeError) as error:
        raise StorageError(f"{database}: event {seq} is not what this program writes; run `dempo verify`") from error
    return Line(seq, stage, kind, payload, values, unit)
