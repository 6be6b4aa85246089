"""Damaged database and log files: a check fails, or the record is whole up to somewhere and the kept head says so."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from both_verifiers import checked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from night import size
from records import answer, done, genesis, step

from core.data.pseudonyms import PLANTED
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.log import Log
from storage.record.reader import Reader, connect, list_runs
from storage.record.rows import steps_under_way
from storage.record.schema import TRIGGERS, VIEWS
from storage.replay.repetition import Recorded
from storage.signatures.heads import as_text, current_head
from storage.verifier.checks import CHECKS
from storage.verify import verify

RUN = "20260101-000000-damaged"
MANY = [6, pytest.param(size(30, 300), marks=[pytest.mark.long, pytest.mark.night])]
"""Trials of each kind of damage."""

Contents = dict[str, list[tuple[Any, ...]]]


class Undamaged:
    """A record whose first half is in the database and whose second half is still in the write-ahead log."""

    def __init__(self, folder: Path, contents: Contents) -> None:
        self.root = folder / RUN
        self.head = folder / "head.txt"
        self.contents = contents


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> Undamaged:
    folder = tmp_path_factory.mktemp("undamaged")
    writing = folder / "writing" / RUN
    with Log.create(RunFolder(writing), genesis(RUN), PLANTED) as log:
        _write(log, 0, 40)
        log._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        _write(log, 40, 80)
        shutil.copytree(writing, folder / RUN, ignore=shutil.ignore_patterns("audit.db-shm", "engine.lock"))
    assert (folder / RUN / "audit.db-wal").stat().st_size > 50_000
    with copied(folder / RUN) as copy:
        (folder / "head.txt").write_text(as_text(current_head(copy), None))
        return Undamaged(folder, contents(copy / "audit.db"))


def _write(log: Log, begin: int, end: int) -> None:
    for number in range(begin, end):
        event, text = answer(
            f"Answer {number}, \ufffd, with words enough for a page of its own. ".encode() * 12, f"1:{number}"
        )
        log.record("answer", [event, done()], unit=(f"full/{number}", 1), blobs=[text])
        log.record("train", [step(number + 1)], unit=(f"full/{number // 8}", 1))


def contents(database: Path) -> Contents:
    """Everything that the tables and the schema hold, bytes as they are."""
    with closing(sqlite3.connect(database)) as db:
        db.text_factory = bytes
        tables = {name: db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in ("events", "blobs")}
        schema = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
        marks = [db.execute(f"PRAGMA {mark}").fetchone() for mark in ("user_version", "application_id", "encoding")]
        return {**tables, "schema": schema, "marks": marks}


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy to damage; looking at a write-ahead log changes files."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(root, Path(folder) / RUN))


def outcome(root: Path, undamaged: Undamaged) -> str:
    """The check that fails, "tail" where only the kept head shows the loss, or "same" where nothing was lost.

    Raises:
        AssertionError: something is lost or changed, and every check and the kept head say ok.
    """
    against = checked(root, head=undamaged.head)
    failed = [name for name, check in against.items() if check.verdict == "failed" and name in CHECKS]
    nothing_but_sentences(root)
    if failed:
        return failed[0]
    found = contents(root / "audit.db")
    if against["kept head"].verdict == "failed":
        events = found["events"]
        assert events == undamaged.contents["events"][: len(events)]
        assert len(events) < len(undamaged.contents["events"])
        assert f"ends at event {len(events)}, before the head that was kept" in against["kept head"].detail
        return "tail"
    assert found == undamaged.contents, "every check passed, and the kept head too"
    return "same"


def nothing_but_sentences(root: Path) -> None:
    """Reading and continuing a damaged record works or ends in a `StorageError`; never in anything else."""
    assert len(list_runs(root.parent)) == 1
    for view in VIEWS:
        with suppress(StorageError):
            Reader(root).view(view)
    with suppress(StorageError), Log.open(RunFolder(root)) as log:
        log.stage_ends(), log.attempts("answer"), log.genesis()
        for events in log.completed("answer").values():
            log.text(events[0].answer.sha256)  # type: ignore[attr-defined]
    with suppress(StorageError):
        Recorded(RunFolder(root)).close()


def trials(
    count: int, undamaged: Undamaged, name: str, damage: Callable[[bytearray, random.Random], object]
) -> Counter[str]:
    """Outcomes of damaging one of the files, so many times."""
    generator = random.Random(f"{name}, 1")
    found: Counter[str] = Counter()
    for _ in range(count):
        with copied(undamaged.root) as root:
            body = bytearray((root / name).read_bytes())
            damage(body, generator)
            (root / name).write_bytes(body)
            found[outcome(root, undamaged)] += 1
    return found


def truncate(body: bytearray, generator: random.Random) -> None:
    del body[generator.randrange(len(body)) :]


def flip(body: bytearray, generator: random.Random) -> None:
    body[generator.randrange(len(body))] ^= 1 << generator.randrange(8)


@pytest.mark.parametrize("count", MANY)
def test_a_truncated_log_is_a_valid_prefix_and_the_kept_head_tells(undamaged: Undamaged, count: int) -> None:
    assert trials(count, undamaged, "audit.db-wal", truncate) == {"tail": count}


@pytest.mark.long
@pytest.mark.parametrize("count", MANY)
def test_a_flipped_bit_in_the_log_loses_a_tail_that_only_the_kept_head_tells(undamaged: Undamaged, count: int) -> None:
    found = trials(count, undamaged, "audit.db-wal", flip)
    assert set(found) <= {"tail", "same"}, "SQLite ends a log at the first frame whose checksum is wrong"
    assert found["tail"] > count // 2


@pytest.mark.long
@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_database_fails_or_lost_nothing(
    undamaged: Undamaged, damage: Callable[[bytearray, random.Random], object], count: int
) -> None:
    found = trials(count, undamaged, "audit.db", damage)
    assert not found["tail"], "no damage to the database looks like a shorter record"
    assert found["same"] < count // 2


@pytest.mark.parametrize("places", [(18, 47, 59, 63, 71), pytest.param(range(100), marks=pytest.mark.long)])
def test_no_byte_of_the_header_is_changed_unseen(whole: Path, undamaged: Undamaged, places: Sequence[int]) -> None:
    """Among them the text encoding, the schema version and the mark of a run's record."""
    for place in places:
        with copied(whole) as root:
            body = bytearray((root / "audit.db").read_bytes())
            body[place] ^= 2
            (root / "audit.db").write_bytes(body)
            found = outcome(root, undamaged)
            assert found != "tail"
            assert found != "same" or place not in (59, 63, 71)


@pytest.fixture(scope="module")
def whole(undamaged: Undamaged, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same record in one file, as a closed run is."""
    root = Path(shutil.copytree(undamaged.root, tmp_path_factory.mktemp("whole") / RUN))
    with closing(sqlite3.connect(root / "audit.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert contents(root / "audit.db") == undamaged.contents
    return root


def _examples(count: int) -> Any:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.long
@given(data=st.data())
@_examples(20)
def test_any_changed_byte_of_the_file_fails_or_changes_nothing(
    data: st.DataObject, whole: Path, undamaged: Undamaged
) -> None:
    change_a_byte_of_the_file(data, whole, undamaged)


@pytest.mark.long
@pytest.mark.night
@given(data=st.data())
@_examples(size(100, 4000))
def test_any_of_many_changed_bytes_of_the_file_fails_or_changes_nothing(
    data: st.DataObject, whole: Path, undamaged: Undamaged
) -> None:
    change_a_byte_of_the_file(data, whole, undamaged)


def change_a_byte_of_the_file(data: st.DataObject, whole: Path, undamaged: Undamaged) -> None:
    with copied(whole) as root:
        body = bytearray((root / "audit.db").read_bytes())
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] ^= data.draw(st.integers(1, 255))
        (root / "audit.db").write_bytes(body)
        assert outcome(root, undamaged) != "tail"


@pytest.mark.parametrize("page", range(1, 7))
def test_a_page_of_another_kind_is_a_sentence(whole: Path, undamaged: Undamaged, page: int) -> None:
    """Its first byte says what a page holds; texts may stand on a damaged one while the events are whole."""
    with copied(whole) as root:
        body = bytearray((root / "audit.db").read_bytes())
        body[page * 4096] ^= 1
        (root / "audit.db").write_bytes(body)
        assert outcome(root, undamaged) not in ("tail", "same")


@pytest.mark.parametrize("place", range(0, 24, 3))
def test_a_schema_that_is_no_text_is_a_sentence(whole: Path, undamaged: Undamaged, place: int) -> None:
    """SQLite quotes it in its error, which Python then cannot decode."""
    with copied(whole) as root:
        body = bytearray((root / "audit.db").read_bytes())
        body[body.index(b"CREATE VIEW run AS") + place - 8] = 0xA0
        (root / "audit.db").write_bytes(body)
        assert outcome(root, undamaged) not in ("tail", "same")


COLUMNS = {"events": ("seq", "at", "stage", "kind", "payload", "prev", "hash"), "blobs": ("sha256", "body")}


@pytest.mark.long
@given(data=st.data())
@_examples(25)
def test_any_changed_byte_of_any_row_fails_and_is_named(data: st.DataObject, whole: Path, undamaged: Undamaged) -> None:
    change_a_byte_of_a_row(data, whole, undamaged)


@pytest.mark.long
@pytest.mark.night
@given(data=st.data())
@_examples(size(100, 4000))
def test_any_of_many_changed_bytes_of_rows_fails_and_is_named(
    data: st.DataObject, whole: Path, undamaged: Undamaged
) -> None:
    change_a_byte_of_a_row(data, whole, undamaged)


def change_a_byte_of_a_row(data: st.DataObject, whole: Path, undamaged: Undamaged) -> None:
    table = data.draw(st.sampled_from(sorted(COLUMNS)))
    column = data.draw(st.sampled_from(COLUMNS[table]))
    rows = undamaged.contents[table]
    row = data.draw(st.integers(0, len(rows) - 1))
    changed = data.draw(changes(rows[row][COLUMNS[table].index(column)]))
    with copied(whole) as root:
        rewrite_value(root, table, column, rows[row][0], changed)
        failed = {check.name: check for check in verify(root) if check.verdict == "failed"}
        assert failed
        nothing_but_sentences(root)
        if table == "events":
            # The event itself, the next one, which does not follow it, or the first, where a number came before it.
            assert failed["chain"].event in {row + 1, row + 2, *([1] if column == "seq" else [])}
        elif column == "body":
            assert failed["blobs"].event is not None
        else:
            assert "blobs" in failed


def changes(value: Any) -> st.SearchStrategy[Any]:
    """The value with one byte changed, put in or taken out."""
    if isinstance(value, int):
        return st.integers(-(2**63), 2**63 - 1).filter(lambda changed: changed != value)
    places = st.integers(0, len(value) - 1)
    return (
        st.builds(lambda i, b: value[:i] + bytes([b]) + value[i + 1 :], places, st.integers(0, 255))
        | st.builds(lambda i, b: value[:i] + bytes([b]) + value[i:], places, st.integers(0, 255))
        | st.builds(lambda i: value[:i] + value[i + 1 :], places)
    ).filter(lambda changed: changed != value)


def rewrite_value(root: Path, table: str, column: str, key: Any, changed: Any) -> None:
    """What somebody with write access can do to one value, guards and all."""
    is_text = isinstance(changed, bytes) and (table, column) != ("blobs", "body")
    with closing(sqlite3.connect(root / "audit.db", isolation_level=None)) as db:
        for name in TRIGGERS:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("PRAGMA ignore_check_constraints=ON")
        first = COLUMNS[table][0]
        match = "CAST(? AS TEXT)" if isinstance(key, bytes) else "?"
        new = "CAST(? AS TEXT)" if is_text else "?"
        try:
            done = db.execute(f"UPDATE {table} SET {column} = {new} WHERE {first} = {match}", (changed, key))
            assert done.rowcount == 1
        except sqlite3.IntegrityError:  # the number of another event: that one goes
            db.execute(f"DELETE FROM {table} WHERE {first} = {match}", (key,))
        for sql in TRIGGERS.values():
            db.execute(sql)


@pytest.mark.parametrize("column", ["payload", "stage"])
def test_bytes_that_are_no_text_are_not_taken_for_the_sign_that_stands_for_them(tmp_path: Path, column: str) -> None:
    """U+FFFD is shown for bytes that are no UTF-8, so such bytes must not hash as a recorded U+FFFD does."""
    root = tmp_path / RUN
    with Log.create(RunFolder(root), genesis(RUN), PLANTED) as log:
        log.record("\ufffd" if column == "stage" else "train", [step(1, condition="a\0b")])
    with closing(connect(root / "audit.db")) as db:
        (value,) = db.execute(f"SELECT CAST({column} AS BLOB) FROM events WHERE seq = 2").fetchone()
    assert "\ufffd".encode() in value
    rewrite_value(root, "events", column, 2, value.replace("\ufffd".encode(), b"\xff"))
    assert {check.name: check for check in verify(root)}["chain"].event == 2
    assert log_refuses(root)


def log_refuses(root: Path) -> bool:
    with pytest.raises(StorageError):
        Log.open(RunFolder(root))
    return True


# ---- readers beside a writer


def wal_bytes(root: Path) -> int:
    return (root / "audit.db-wal").stat().st_size


def test_a_reader_that_holds_a_transaction_grows_the_log_and_breaks_nothing(tmp_path: Path) -> None:
    root = tmp_path / RUN
    with Log.create(RunFolder(root), genesis(RUN), PLANTED) as log, closing(connect(root / "audit.db")) as holding:
        holding.execute("BEGIN")
        seen = holding.execute("SELECT count(*) FROM events").fetchone()
        body = b"x" * 60_000
        for number in range(150):
            event, text = answer(body + str(number).encode(), f"1:{number}")
            log.record("answer", [event, done()], unit=(f"full/{number}", 1), blobs=[text])
        assert wal_bytes(root) > 150 * len(body), "nothing could be moved out of the log"
        assert holding.execute("SELECT count(*) FROM events").fetchone() == seen, "the reader's snapshot stands still"
        assert len(Reader(root).view("answers")) == 150, "other readers see the engine's work"
        assert Reader(root).head() == log.head
        holding.execute("COMMIT")
        (busy, *_) = log._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        assert wal_bytes(root) == 0
    assert not [check for check in verify(root) if check.verdict == "failed"]


def test_the_readers_of_the_app_hold_no_transaction(tmp_path: Path) -> None:
    root = tmp_path / RUN
    with Log.create(RunFolder(root), genesis(RUN), PLANTED) as log:
        reader = Reader(root)
        for number in range(60):
            event, text = answer(b"x" * 60_000 + str(number).encode(), f"1:{number}")
            log.record("answer", [event, done()], unit=(f"full/{number}", 1), blobs=[text])
            reader.view("answers"), reader.summary(), reader.events_after(0, 10), steps_under_way(reader)
            (busy, pages, moved) = log._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            assert (busy, pages) == (0, moved), "a reader that was still there would hold it up"
        assert wal_bytes(root) < 1_000_000
