"""Reading a run's record while an engine may be writing it: read-only, short transactions.

A reader that keeps a transaction open makes the write-ahead log grow without bound, so every call here opens the
database, reads and closes it; where much is asked, `Reader.at_once` opens it once, and no transaction outlives a query.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core.run_folder import RunFolder
from storage.errors import NotFound, StorageError, sentences
from storage.record.beginnings import never_begun, told_of_beginning
from storage.record.foreign import Arrival, arrival, connect_checked, is_imported
from storage.record.run_folders import require_record, run_folders
from storage.record.schema import VIEWS
from storage.record.sealing import bodies_of, read_payload
from storage.verifier.ground.reading import holds_record

Status = Literal[
    "running",
    "completed",
    "paused",
    "stopped",
    "failed",
    "interrupted",
    "created",
    "not begun",
    "unreadable",
    "damaged",
]
"""What a record says of its run; "not begun", "unreadable" and "damaged" are found out about the file instead."""


@dataclass(frozen=True)
class Progress:
    """The engine's note about a long piece of work (`control/progress.json`)."""

    stage: str
    done: float
    total: float
    detail: str
    at: str
    left: float | None = None
    """Seconds until the stage is done, where the engine knows; then `done` and `total` are those of the whole stage."""


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs. `done` and `units` count the units of the stage."""

    run_id: str
    name: str
    created_at: str
    status: Status
    stage: str
    done: int
    units: int
    simulated: bool
    detail: str
    root: Path
    origin: Arrival = ""
    """How somebody else's run came here; "" for one that was made here."""
    seed: str = ""
    seconds: float | None = None
    """That its completed stages took."""
    note: Progress | None = None
    """The engine's note, of which `detail` is the sentence."""

    @property
    def imported(self) -> bool:
        """Whether it is somebody else's."""
        return self.origin != ""


class Reader:
    """A run on disk, read through its views: as it is now, or as it was after one of its events."""

    def __init__(self, root: Path, until: int | None = None) -> None:
        """
        Args:
            until: number of the last event that is looked at; None: all of them, and those that an engine adds.

        Raises:
            NotFound: there is no run, or it has no such event.
            StorageError: the record cannot be read.
        """
        self.folder = RunFolder(root)
        self.until: int | None = None
        self._open: sqlite3.Connection | None = None
        require_record(self.folder)
        if until is not None:
            require_event(until, self.head()[0], root.name)
            self.until = until

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """One connection for all that is asked meanwhile, in one thread: SQLite reads every view's text when it opens a
        record, which takes longer than most of what is asked of it.

        Raises:
            StorageError: the database is damaged.
        """
        if self._open is not None:
            yield
            return
        with sentences(self.folder.database):
            connection = connect(self.folder.database, self.until)
        with closing(connection):
            self._open = connection
            try:
                yield
            finally:
                self._open = None

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with sentences(self.folder.database), self.at_once():
            assert self._open is not None
            yield self._open

    def view(self, name: str) -> list[dict[str, Any]]:
        """All rows of a view (docs/views.md), or of the record's one table `events`, as dictionaries by column.

        Raises:
            NotFound: there is no such view.
            StorageError: the database is damaged.
        """
        if name not in (*VIEWS, "events"):
            raise NotFound(
                f"there is no view {name!r}; the views are {', '.join(VIEWS)}, and events, the record itself"
            )
        return self.query(f"SELECT * FROM {name}")

    def columns(self, view: str) -> list[str]:
        """The columns of a view, also of one without rows.

        Raises:
            StorageError: the database is damaged.
        """
        return [str(row["name"]) for row in self.query("SELECT name FROM pragma_table_info(?) ORDER BY cid", [view])]

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Rows of a read-only query, in a transaction that ends with it.

        Raises:
            StorageError: the database is damaged or the query is wrong.
        """
        with self._connection() as connection:
            cursor = connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """The same as the values alone, in the order of the columns: for many rows.

        Raises:
            StorageError: as `query`.
        """
        with self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def first_hash(self) -> str:
        """The hash of the first event, which names the run whatever its folder is called.

        Raises:
            StorageError: there is none.
        """
        rows = self.query("SELECT hash FROM events WHERE seq = 1")
        if not rows:
            raise StorageError(f"{self.folder.database} holds no event; this run was never begun")
        return str(rows[0]["hash"])

    def recorded(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, payload and values of the events whose kind and payload a query selects, sealed parts opened.

        Raises:
            StorageError: the database is damaged, or an event is not what this program writes.
        """
        with self._connection() as connection:
            rows = connection.execute(sql, parameters).fetchall()
            body_of = bodies_of(connection)
            try:
                return [(kind, payload, read_payload(payload, body_of)[0]) for kind, payload in rows]
            except (ValueError, TypeError, LookupError, RecursionError) as error:
                raise StorageError("an event is not what this program writes; run `dempo verify`") from error

    def events_after(self, seq: int, limit: int = 1000) -> list[dict[str, Any]]:
        """Events behind a number, oldest first: how a watcher follows a run."""
        return self.query("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", [seq, limit])

    def head(self) -> tuple[int, str]:
        """Number and hash of the last event; (0, "") for an empty record."""
        rows = self.query("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return (rows[0]["seq"], rows[0]["hash"]) if rows else (0, "")

    def newest(self) -> int:
        """Number of the last event that is recorded by now, whatever `until` says; 0 for an empty record."""
        return int(self.query("SELECT coalesce(max(seq), 0) AS seq FROM main.events")[0]["seq"])

    def live(self) -> bool:
        """Whether an engine holds the run's lock now."""
        return lock_is_held(self.folder)

    def engine_pid(self) -> int | None:
        """Process id of the engine that holds the lock, or None."""
        if not self.live():
            return None
        text = self.folder.lock.read_text(encoding="ascii", errors="replace").strip()
        return int(text) if text.isdigit() else None

    def progress(self) -> Progress | None:
        """The engine's note about what it is at, or None; no engine works on an imported run."""
        if is_imported(self.folder.root):
            return None
        try:
            return Progress(**json.loads(self.folder.progress.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # the note is written beside the record and may be missing or half of another version

    def status(self) -> Status:
        """The recorded status, corrected by the lock: a run that says "running" without an engine was interrupted.

        Of an earlier state of the record the lock knows nothing: there the status is the recorded one.
        """
        rows = self.query("SELECT status FROM run")
        recorded: Status = rows[0]["status"] if rows else "created"
        if self.until is not None:
            return recorded
        if self.live():
            return "running"
        return "interrupted" if recorded == "running" else recorded

    def summary(self) -> RunSummary:
        """One line about the run."""
        row = self.query("SELECT run_id, name, created_at, simulated, seed FROM run")
        stages = self.view("stages")
        worked = [row for row in stages if row["status"] != "skipped"]
        last: dict[str, Any] = (worked or stages or [{"stage": "", "completed": 0, "units": 0}])[-1]
        note = self.progress()
        took = [row["seconds"] for row in stages if isinstance(row["seconds"], int | float)]
        return RunSummary(
            run_id=row[0]["run_id"] if row else self.folder.root.name,
            name=row[0]["name"] if row else "",
            created_at=row[0]["created_at"] if row else "",
            status=self.status(),
            stage=last["stage"],
            done=last["completed"] or 0,
            units=last["units"] or 0,
            simulated=bool(row[0]["simulated"]) if row else False,
            detail=note.detail if note else "",
            root=self.folder.root,
            origin=arrival(self.folder.root),
            seed=row[0]["seed"] if row else "",
            seconds=sum(took) if took else None,
            note=note,
        )


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=5)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect(database: Path, until: int | None = None) -> sqlite3.Connection:
    """A read-only connection; a record on read-only media is opened as unchanging.

    A record that has other views than those of today is read through these, and so is an imported one, which is opened
    with every guard of `storage.record.foreign`. With `until`, the name `events` stands for the events up to that
    number, in a query as in every view: the record as it was then.

    Raises:
        sqlite3.Error: the file is damaged or no database.
    """
    imported = is_imported(database.parent)
    connection = connect_checked(database) if imported else _connect_own(database)
    connection.text_factory = lambda body: body.decode("utf-8", "replace")
    try:
        if until is not None:
            connection.execute(f"CREATE TEMP VIEW events AS SELECT * FROM main.events WHERE seq <= {until:d}")
        if until is not None or imported or _views_of(connection) != VIEWS:
            for statement in VIEWS.values():
                connection.execute(statement.replace("CREATE VIEW", "CREATE TEMP VIEW", 1))
        connection.execute("PRAGMA query_only=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _views_of(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM main.sqlite_master WHERE type = 'view'").fetchall())


def require_event(number: int, last: int, run: str, option: str = "--as-of") -> None:
    """What `--as-of SEQ`, or another option, asks for has to be in the record.

    Raises:
        NotFound: the record has no such event.
    """
    if not 1 <= number <= last:
        has = f"has the events 1 to {last}" if last else "holds no event"
        raise NotFound(f"{option} {number}: {run} {has}")


def _connect_own(database: Path) -> sqlite3.Connection:
    uri = database.resolve().as_uri()
    try:
        return _opened(f"{uri}?mode=ro")
    except sqlite3.OperationalError:
        if os.access(database.parent, os.W_OK) or database.with_name(f"{database.name}-wal").exists():
            raise
        return _opened(f"{uri}?mode=ro&immutable=1")


def lock_is_held(folder: RunFolder) -> bool:
    """Whether a process holds the run's lock; the probe lets go of it at once."""
    try:
        descriptor = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks, on which no engine can be at work
    else:
        return False
    finally:
        os.close(descriptor)


def list_runs(runs: Path) -> list[RunSummary]:
    """Every run below a folder, newest first; one that cannot be read is listed as such.

    Raises:
        StorageError: the folder itself cannot be read.
    """
    return [summary_of(root) for root in run_folders(runs)]


def summary_of(root: Path) -> RunSummary:
    """One line about the run in a folder; "unreadable" or "not begun" and why, where there is no more to say. Nothing
    is raised."""
    if never_begun(root):
        return RunSummary(root.name, "", "", "not begun", "", 0, 0, False, told_of_beginning(root), root)
    try:
        with sentences(root):
            reader = Reader(root)
            with reader.at_once():
                return _plain(reader.summary())
    except StorageError as error:
        told = str(error)
    except (LookupError, TypeError, ValueError):
        told = f"{root / 'audit.db'}: not a record of a run"
    return RunSummary(root.name, "", "", "unreadable", "", 0, 0, False, told, root, _arrival(root))


def _arrival(root: Path) -> Arrival:
    try:
        return arrival(root)
    except OSError:
        return ""  # nobody may look into the folder


def _plain(run: RunSummary) -> RunSummary:
    """The summary with texts where texts belong, whatever somebody else's record holds there.

    Raises:
        TypeError: a count is no number, or the state no word.
    """
    if not (isinstance(run.done, int) and isinstance(run.units, int) and isinstance(run.status, str)):
        raise TypeError("units are counted, and a state is a word")
    return replace(
        run,
        run_id=str(run.run_id),
        name=str(run.name),
        created_at=str(run.created_at),
        stage=str(run.stage),
        detail=str(run.detail),
        seed=str(run.seed),
    )


def find_run(name: str, runs: Path) -> Path:
    """The folder of a run, named by its folder, its id or a unique prefix of its id.

    Raises:
        NotFound: no run or several runs match; the message lists them.
    """
    if name and (holds_record(Path(name)) is not False or never_begun(Path(name))):
        return Path(name)
    named = {run.root: (run.run_id, run.root.name) for run in list_runs(runs)}  # an unzipped bundle has two names
    matches = [root for root, names in named.items() if name and any(each.startswith(name) for each in names)]
    exact = [root for root in matches if root.name == name]
    if exact or len(matches) == 1:
        return (exact or matches)[0]
    if not matches:
        raise NotFound(f"no run in {runs} is called {name!r}; {_instead(Path(name))}")
    raise NotFound(f"{name!r} fits several runs: {', '.join(root.name for root in matches)}; give more of the id")


def _instead(path: Path) -> str:
    """What to do where the name of a run is that of a file."""
    if path.name == "audit.db" and os.path.isfile(path):
        return f"that is the record of a run: give its folder, {path.parent}"
    if path.suffix == ".zip" and os.path.isfile(path):
        return f"that is a bundle: `dempo import {shlex.quote(str(path))}` first"
    return "`dempo list` shows the runs"
