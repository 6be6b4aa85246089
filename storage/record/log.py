"""The only writer of a run's record: it holds the lock, appends events and stores blobs."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core import failpoints
from core.data.pseudonyms import keep_secret
from core.events import Event, HeadSigned, JudgeReopened, RunCreated, UnitCompleted, decode, digest
from core.facts.chain import NO_EVENT, link_hash
from core.facts.formats import PROGRAM_ID
from core.facts.sealed import SEALED
from core.facts.trees import Tree
from core.run_folder import RunFolder
from storage.errors import StorageError, sentences
from storage.judging.other_runs import RunsOnDisk
from storage.record.codec import canonical, exact_text, now, parse
from storage.record.foreign import refuse_imported
from storage.record.lock import take_lock
from storage.record.registry import last_entry
from storage.record.run_folders import require_record
from storage.record.schema import OBJECTS
from storage.record.sealing import Sealer, bodies_of, read_payload
from storage.signatures.heads import EVERY, HeadSigner, followed
from storage.verifier.ground.reading import wrong_schema
from storage.verifier.vouching.kept import Head
from storage.verifier.writer_facts import schema_facts

if TYPE_CHECKING:
    from sqlite_utils import Database

E = TypeVar("E", bound=Event)


_PROGRESS_INTERVAL = 0.5

ProgressListener = Callable[[str, float, float, str], None]
"""Called with stage, done, total and detail, at most as often as the progress note is written."""


class Log(RunsOnDisk):
    """An open record, implementing `core.events.Recorder`. Use `create` or `open`, then `close`."""

    def __init__(self, folder: RunFolder, lock: int) -> None:
        self.folder = folder
        self._lock = lock
        self._db = _connection(folder.database, lock)
        self._seq = 0
        self._head = NO_EVENT
        self._tree = Tree()
        self._unsigned = 0
        self._sealer: Sealer | None = None
        self.signer: HeadSigner | None = None
        self._last_progress = 0.0
        self.listener: ProgressListener = lambda stage, done, total, detail: None

    @classmethod
    def create(cls, folder: RunFolder, genesis: RunCreated, secret: bytes) -> Log:
        """Makes the run's folders and database, and records the genesis event.

        `secret` is that of the pseudonyms, of which the event holds the hash.

        Raises:
            StorageError: the folder exists, or the run cannot be made in it; then nothing of it is left.
        """
        with sentences(folder.root):
            folder.root.mkdir(parents=True, exist_ok=False)
        try:
            return cls._made(folder, genesis, secret)
        except BaseException:
            shutil.rmtree(folder.root, ignore_errors=True)  # nothing is recorded in it
            raise

    @classmethod
    def _made(cls, folder: RunFolder, genesis: RunCreated, secret: bytes) -> Log:
        with sentences(folder.root):
            folder.create()
            keep_secret(folder.private, secret)
        log = cls(folder, take_lock(folder))
        with log._closed_on_failure():
            failpoints.reached("before schema")
            with sentences(folder.database), log._db.atomic():
                log._db.execute(f"PRAGMA application_id={PROGRAM_ID}")
                log._db.execute(f"PRAGMA user_version={genesis.schema_version}")
                for statement in OBJECTS.values():
                    log._db.execute(statement)
            log._sealer = Sealer(secret, genesis.run_id)
            log.record("run", [genesis])
        return log

    @classmethod
    def open(cls, folder: RunFolder) -> Log:
        """Takes the lock of an existing run and continues its chain.

        Raises:
            StorageError: there is no run, another engine holds the lock, or the schema or an event was changed.
        """
        require_record(folder)
        refuse_imported(folder.root)
        log = cls(folder, take_lock(folder))
        with log._closed_on_failure(), sentences(folder.database):
            log._check_schema()
            log._find_head()
        return log

    def _check_schema(self) -> None:
        wrong = wrong_schema(self._db.conn, schema_facts())
        if wrong:
            raise StorageError(
                f"{self.folder.database}: its schema is not one that this program writes ({wrong.told}), so the run is "
                "not continued; `dempo clone` starts it anew"
            )

    def _find_head(self) -> None:
        """Follows the whole chain to its end: what was changed is neither built upon nor continued."""
        chain = followed(self.folder.database)
        if chain.wrong:
            raise StorageError(
                f"{self.folder.root.name}: {chain.wrong}, so this run is not continued; `dempo verify` says more, "
                "and `dempo clone` starts it anew"
            )
        self._seq, self._head, self._tree = chain.seq, chain.hash, chain.tree

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database and lets go of the lock."""
        self._db.close()
        self.folder.progress.unlink(missing_ok=True)
        os.close(self._lock)

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last event."""
        return self._seq, self._head

    def record(
        self,
        stage: str,
        events: Sequence[Event],
        *,
        unit: tuple[str, int] | None = None,
        blobs: Sequence[bytes] = (),
    ) -> None:
        """Appends events and blobs in one transaction; nothing is recorded where any of it fails.

        With a signer, every so many events the head is signed afterwards, in a transaction of its own.

        Raises:
            StorageError: the disk is full or the database cannot be written.
        """
        self._append(stage, events, unit, blobs)
        if self._unsigned >= EVERY:
            self.sign_head()

    def sign_head(self) -> HeadSigned | None:
        """Signs the head, records the signature and leaves it under `heads/`; None where there is no signature.

        What goes wrong here is told by the signer and never ends a run.
        """
        self._unsigned = 0
        if self.signer is None:
            return None
        try:
            row = self._db.execute("SELECT payload, hash FROM events WHERE seq = 1").fetchone()
            registry = last_entry(self.folder.root.resolve().parent)
            head = Head(parse(row[0])[0]["run_id"], row[1], self._seq, self._head, self._tree.root, registry)
            signed = self.signer.sign(head)
            failpoints.reached("head signed")
            if signed is not None:
                self._append("run", [signed], None, ())
                self._unsigned = 0
                failpoints.reached("head recorded")
                self.signer.leave(self.folder, head, signed)
        except (StorageError, sqlite3.Error, ValueError) as error:
            self.signer.failed(f"a head of this run is not signed: {error}")
            return None
        return signed

    def _append(
        self, stage: str, events: Sequence[Event], unit: tuple[str, int] | None, blobs: Sequence[bytes]
    ) -> None:
        rows, sealed = self._chained(stage, events, unit)
        failpoints.reached("before transaction")
        with sentences(self.folder.database), self._db.atomic():
            self._db.conn.executemany(
                "INSERT INTO blobs (sha256, body) VALUES (?, ?)", [(digest(body), body) for body in (*blobs, *sealed)]
            )
            self._db.conn.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            failpoints.reached("inside transaction")
        failpoints.reached("after commit")
        for row in rows:
            self._tree.append(bytes.fromhex(row[-1]))
        if rows:
            self._seq, self._head = rows[-1][0], rows[-1][-1]
            self._unsigned += len(rows)

    def _chained(
        self, stage: str, events: Iterable[Event], unit: tuple[str, int] | None
    ) -> tuple[list[tuple[int, str, str, str, str, str, str]], list[bytes]]:
        """The rows of some events, and the texts of their sealed parts."""
        envelope = {} if unit is None else {"unit": unit[0], "attempt": unit[1]}
        seq, prev, at = self._seq, self._head, now()
        rows, texts = [], []
        for event in events:
            seq += 1
            values, sealed = self.sealer.seal(event)
            texts += sealed
            payload = canonical({**values, **envelope})
            hashed = link_hash(prev, seq, at, stage, event.kind, payload)
            rows.append((seq, at, stage, event.kind, payload, prev, hashed))
            prev = hashed
        return rows, texts

    @property
    def sealer(self) -> Sealer:
        """What seals parts of this run's events.

        Raises:
            StorageError: the run's secret is not here, or is another one.
        """
        if self._sealer is None:
            self._sealer = Sealer.of(self.folder, self.genesis())
        return self._sealer

    def leaf_key(self, kind: str, *about: str) -> str:
        """The key of the salts in the tree of an event of a kind about something, hex."""
        return self.sealer.leaf_key(kind, *about)

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        """Events of the last completed attempt of every unit of the stage that was not reopened since, by unit."""
        last: dict[str, int] = {}
        events: dict[tuple[str, int], list[Event]] = {}
        rows = self._rows(
            "SELECT kind, payload FROM events WHERE stage = ? AND (payload->>'$.unit' IS NOT NULL OR kind = ?) "
            "ORDER BY seq",
            stage,
            JudgeReopened.kind,
        )
        for kind, payload in rows:
            event, unit = self._read(kind, payload)
            if isinstance(event, JudgeReopened):
                last = {key: attempt for key, attempt in last.items() if key not in set(event.units)}
                continue
            assert unit is not None, "selected by its unit"
            if kind == UnitCompleted.kind:
                last[unit[0]] = unit[1]
            else:
                events.setdefault(unit, []).append(event)
        return {key: tuple(events.get((key, attempt), ())) for key, attempt in last.items()}

    def interrupted(self, stage: str, unit: str) -> tuple[Event, ...]:
        """Events of the last attempt of a unit, where that was not completed."""
        of_unit = "FROM events WHERE stage = ? AND payload->>'$.unit' = ?"
        rows = self._rows(f"SELECT kind, payload, payload->>'$.attempt' {of_unit} ORDER BY seq", stage, unit)
        last = [(kind, payload) for kind, payload, attempt in rows if attempt == rows[-1][2]]
        if any(kind == UnitCompleted.kind for kind, _ in last):
            return ()
        return tuple(self._read(kind, payload)[0] for kind, payload in last)

    def attempts(self, stage: str) -> dict[str, int]:
        """The highest attempt of which anything is recorded, by unit."""
        return dict(
            self._rows(
                "SELECT payload->>'$.unit', max(payload->>'$.attempt') FROM events "
                "WHERE stage = ? AND payload->>'$.unit' IS NOT NULL GROUP BY 1",
                stage,
            )
        )

    def stage_ends(self) -> dict[str, str]:
        """Key of every completed stage, by name; a skipped stage has the key ""."""
        return dict(
            self._rows(
                "SELECT payload->>'$.name', coalesce(payload->>'$.key', '') FROM events "
                "WHERE kind IN ('stage.completed', 'stage.skipped') ORDER BY seq"
            )
        )

    def has(self, kind: str) -> bool:
        """Whether an event of this kind is recorded."""
        return bool(self._rows("SELECT 1 FROM events WHERE kind = ? LIMIT 1", kind))

    def genesis(self) -> RunCreated:
        """The first event.

        Raises:
            StorageError: the record is empty (the engine died while it made the run), or the event is not whole.
        """
        rows = self._rows("SELECT payload FROM events WHERE seq = 1")
        if not rows:
            raise StorageError(f"{self.folder.database} holds no event; this run was never begun")
        event = self._read(RunCreated.kind, rows[0][0])[0]
        assert isinstance(event, RunCreated)
        return event

    def every(self, kind: type[E]) -> list[E]:
        """All events of a kind in their order, those of attempts that count no more as well."""
        rows = self._rows("SELECT kind, payload FROM events WHERE kind = ? ORDER BY seq", kind.kind)
        found = (self._read(name, payload)[0] for name, payload in rows)
        return [event for event in found if isinstance(event, kind)]

    def _read(self, kind: str, payload: str) -> tuple[Event, tuple[str, int] | None]:
        """An event with its sealed parts, and its unit: an engine goes on from whole events only."""
        try:
            with sentences(self.folder.database):
                values, unit = read_payload(payload, bodies_of(self._db.conn))
            for part in values.get(SEALED, {}).values():
                raise StorageError(f"the text {part['sha256'][:12]}… is missing; run `dempo verify`")
            return decode(kind, values), unit
        except (KeyError, ValueError) as error:
            told = f"{self.folder.database}: an event of the kind {kind!r} is none that this version writes"
            raise StorageError(f"{told}; run `dempo verify`") from error

    def text(self, sha256: str) -> str:
        """The exact text of a blob."""
        rows = self._rows("SELECT body FROM blobs WHERE sha256 = ?", sha256)
        if not rows:
            raise StorageError(f"{self.folder.database}: the text {sha256[:12]}… is missing; run `dempo verify`")
        return exact_text(sha256, rows[0][0])

    def _rows(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        with sentences(self.folder.database):
            return list(self._db.execute(sql, parameters))

    def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        """Leaves a note in `control/progress.json`, at most twice a second; it is not part of the record."""
        moment = time.monotonic()
        if moment - self._last_progress < _PROGRESS_INTERVAL and done < total:
            return
        self._last_progress = moment
        note = {"stage": stage, "done": done, "total": total, "detail": detail, "at": now(), "left": left}
        partial = self.folder.progress.with_suffix(".partial")
        partial.write_text(json.dumps(note))
        partial.replace(self.folder.progress)  # a reader sees the old note or the new one, never half of one
        self.listener(stage, done, total, detail)


def _connection(database: Path, lock: int) -> Database:
    """The one connection that writes; the lock goes where there is none."""
    from sqlite_utils import Database  # pandas comes with it, which no command that only reads should wait for

    try:
        with sentences(database):
            db = Database(sqlite3.connect(database, timeout=30), execute_plugins=False)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                db.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        os.close(lock)
        raise
    return db
