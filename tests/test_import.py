"""Somebody else's bundle: a good one becomes a run to read, a bad one leaves nothing behind."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bundles import contents, kept_rows, with_database, write_bundle
from signing import make_key, needs_ssh_keygen, signed_record

from core.errors import DempoError, InputError, Unchecked, VerificationFailed
from core.run_folder import RunFolder
from core.visible import visible
from storage.errors import StorageError
from storage.export.export import export_run
from storage.imports import importing
from storage.imports.bundle import Bundle
from storage.imports.examine import examine
from storage.imports.importing import Imported, import_bundle
from storage.imports.names import refuse_strange
from storage.imports.origin import origin_of
from storage.record import foreign
from storage.record.foreign import MARK, connect_foreign, import_note, is_imported
from storage.record.log import Log
from storage.record.reader import Reader, connect, find_run
from storage.record.schema import TRIGGERS, VIEWS
from storage.verifier.ground.reading import wrong_schema
from storage.verifier.writer_facts import tree_facts
from storage.verify import verify
from tui.commands.record.origin_text import origin_lines


@pytest.fixture(autouse=True)
def _checked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks in this process, which takes a quarter of the time; `test_import_confined.py` has the other one."""

    def examined(root: Path, runs: Path, told: object) -> dict[str, Any]:
        try:
            return examine(root, runs)
        except (VerificationFailed, Unchecked) as error:
            raise type(error)(f"{error}; nothing was imported") from error

    monkeypatch.setattr(importing, "examined", examined)


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def imported(bundle: Path, runs: Path) -> Imported:
    return import_bundle(bundle, runs, silent)


@pytest.fixture(scope="module")
def sample(trained: Path) -> Path:
    return trained


@pytest.fixture(scope="module")
def bundle(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "run.zip"
    export_run(sample, target, told=silent)
    return target


def views(root: Path) -> dict[str, list[dict[str, object]]]:
    return {name: Reader(root).view(name) for name in VIEWS}


def refused(bundle: Path, tmp_path: Path) -> str:
    """The sentence of the refusal, after which nothing is left."""
    runs = tmp_path / "imported"
    with pytest.raises(DempoError) as error:
        imported(bundle, runs)
    assert error.value.exit_code in (2, 4, 7)
    assert not runs.exists()
    return str(error.value)


def test_a_run_comes_back_as_it_was(sample: Path, bundle: Path, tmp_path: Path) -> None:
    done = imported(bundle, tmp_path)
    root = tmp_path / sample.name
    assert done.path == str(root)
    assert [path.name for path in tmp_path.iterdir()] == [sample.name]
    assert views(root) == views(sample)
    assert {path.name for path in (root / "artifacts").iterdir()} == {p.name for p in (sample / "artifacts").iterdir()}
    assert {c["name"]: c["verdict"] for c in done.checks if c["verdict"] == "failed"} == {}
    assert find_run(sample.name, tmp_path) == root


def test_the_mark_says_what_was_found(sample: Path, bundle: Path, tmp_path: Path) -> None:
    done = imported(bundle, tmp_path)
    root = Path(done.path)
    note = import_note(root)
    assert is_imported(root)
    assert not is_imported(sample)
    assert import_note(sample) == {}
    assert (note["source"], note["sha256"]) == ("run.zip", done.sha256)
    assert {check["name"] for check in note["checks"]} >= {"schema", "chain", "blobs"}


def test_only_the_record_is_kept(bundle: Path, tmp_path: Path) -> None:
    root = Path(imported(bundle, tmp_path).path)
    assert {path.name for path in root.iterdir()} == {"audit.db", "artifacts", MARK}
    assert all(path.stat().st_mode & 0o222 == 0 for path in root.rglob("*") if path.is_file())


def test_an_imported_run_can_be_exported_and_imported_again(bundle: Path, tmp_path: Path) -> None:
    first = Path(imported(bundle, tmp_path / "a").path)
    export_run(first, tmp_path / "again.zip", told=silent)
    second = Path(imported(tmp_path / "again.zip", tmp_path / "b").path)
    assert views(first) == views(second)
    assert contents(bundle)["events.jsonl"] == contents(tmp_path / "again.zip")["events.jsonl"]


def test_a_redacted_run_comes_back_without_texts(sample: Path, tmp_path: Path) -> None:
    export_run(sample, tmp_path / "redacted.zip", redact=True, told=silent)
    done = imported(tmp_path / "redacted.zip", tmp_path / "runs")
    root = Path(done.path)
    assert done.redacted
    verdicts = {check.name: check.verdict for check in verify(root)}
    assert (verdicts["chain"], verdicts["blobs"], verdicts["artifacts"]) == ("ok", "withheld", "withheld")
    assert {row["answer"] for row in Reader(root).view("answers")} == {None}
    here, there = Reader(root), Reader(sample)
    assert {name: kept_rows(here, name) for name in VIEWS} == {name: kept_rows(there, name) for name in VIEWS}
    export_run(root, tmp_path / "again.zip", told=silent)
    assert Path(imported(tmp_path / "again.zip", tmp_path / "b").path).is_dir()


def test_a_run_that_is_here_is_not_replaced(bundle: Path, tmp_path: Path) -> None:
    root = Path(imported(bundle, tmp_path).path)
    before = (root / MARK).read_bytes()
    with pytest.raises(StorageError, match="was imported before"):
        imported(bundle, tmp_path)
    assert (root / MARK).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


def test_no_engine_continues_an_imported_run(bundle: Path, tmp_path: Path) -> None:
    root = Path(imported(bundle, tmp_path).path)
    with pytest.raises(StorageError, match="was imported"):
        Log.open(RunFolder(root))
    assert {path.name for path in root.iterdir()} == {"audit.db", "artifacts", MARK}


def test_its_views_are_those_of_this_program(bundle: Path, tmp_path: Path) -> None:
    root = Path(imported(bundle, tmp_path).path)
    with closing(connect(root / "audit.db")) as db:
        temporary = {row[0] for row in db.execute("SELECT name FROM sqlite_temp_master WHERE type = 'view'")}
        assert temporary == VIEWS.keys()
        with pytest.raises(sqlite3.OperationalError, match="unsafe use of"):
            db.execute("SELECT * FROM main.run").fetchall()
        with pytest.raises(sqlite3.OperationalError, match="readonly|query_only|attached"):
            db.execute("CREATE TABLE x (y)")
        with pytest.raises(sqlite3.OperationalError, match="attached"):
            db.execute("ATTACH ? AS other", [str(tmp_path / "other.db")])


def test_an_endless_query_ends(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(imported(bundle, tmp_path).path)
    monkeypatch.setattr(foreign, "SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(StorageError, match="interrupted"):
        Reader(root).query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    assert time.monotonic() - begun < 60


SCHEMAS: dict[str, tuple[str, ...]] = {
    "a view more": ("CREATE VIEW winners AS SELECT 1 AS x",),
    "a view that lies": ("DROP VIEW leaderboards", "CREATE VIEW leaderboards AS SELECT 'soft' AS condition"),
    "a table that stands for a view": ("DROP VIEW run", "CREATE TABLE run (run_id TEXT)"),
    "a trigger more": ("CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END",),
    "a trigger less": ("DROP TRIGGER events_no_update",),
    "a trigger that does nothing": (
        "DROP TRIGGER events_no_update",
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT 1; END",
    ),
    "an index more": ("CREATE INDEX i ON events(at)",),
    "an index with an expression": ("CREATE INDEX i ON events(length(payload))",),
    "another check": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'json_valid(payload)', 'json_valid(payload) OR 1')",
    ),
    "another type": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET type = 'view', rootpage = 0 WHERE name = 'blobs'",
    ),
    "a virtual table": (
        "PRAGMA writable_schema=ON",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING fts5(x)')",
    ),
    "two of one name": (
        "PRAGMA writable_schema=ON",
        "INSERT INTO sqlite_master SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = 'run'",
    ),
    "a hidden index": (
        "PRAGMA writable_schema=ON",
        "INSERT INTO sqlite_master VALUES ('index', 'sqlite_autoindex_events_1', 'events', 3, NULL)",
    ),
    "broken SQL": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = 'CREATE VIEW run AS SELEC' WHERE name = 'run'",
    ),
    "a version that there is not": ("PRAGMA user_version=1",),
    "a newer version": ("PRAGMA user_version=99",),
    "another application": ("PRAGMA application_id=7",),
}


@pytest.mark.parametrize("change", SCHEMAS)
def test_a_database_with_another_schema_is_refused(bundle: Path, tmp_path: Path, change: str) -> None:
    changed = with_database(bundle, tmp_path / "changed.zip", *SCHEMAS[change], follow=False)
    sentence = refused(changed, tmp_path)
    assert "the record cannot be trusted" in sentence or "audit.db cannot be read" in sentence


def test_a_database_in_another_encoding_is_refused(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    (tmp_path / "first.db").write_bytes(files["audit.db"])
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("PRAGMA encoding='UTF-16le'")
        with closing(sqlite3.connect(tmp_path / "first.db")) as first:
            for statement in first.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall():
                db.execute(statement[0])
        db.execute("PRAGMA application_id=0x64656D70")
        db.execute("PRAGMA user_version=2")
    files["audit.db"] = (tmp_path / "other.db").read_bytes()
    assert "instead of UTF-8" in refused(write_bundle(files, tmp_path / "changed.zip"), tmp_path)


RECORDS: dict[str, tuple[str, str]] = {
    "an event changed": (
        "UPDATE events SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 5",
        "'chain' failed at event 5",
    ),
    "an event left out": ("DELETE FROM events WHERE seq = 9", "'chain' failed at event 9"),
    "a text changed": ("UPDATE blobs SET body = x'00' WHERE rowid = 1", "'blobs' failed"),
    "the texts left out": ("DELETE FROM blobs", "'blobs' failed"),
    "no event": ("DELETE FROM events", "does not create a run"),
    "another first event": ("UPDATE events SET kind = 'run.stopped' WHERE seq = 1", "does not create a run"),
    "an id that leads away": (
        "UPDATE events SET payload = json_set(payload, '$.run_id', '../../escape') WHERE seq = 1",
        "does not create a run with an id",
    ),
    "a payload that is no object": ("UPDATE events SET payload = '[1]' WHERE seq = 1", "audit.db cannot be read"),
    "a payload that is deep": (
        "UPDATE events SET payload = '{\"a\":' || replace(hex(zeroblob(900)), '0', '[') "
        "|| replace(hex(zeroblob(900)), '0', ']') || '}' WHERE seq = 3",
        "nothing was imported",
    ),
    "a number with many digits": (
        "UPDATE events SET payload = '{\"a\":' || replace(hex(zeroblob(9000)), '0', '9') || '}' WHERE seq = 3",
        "failed",
    ),
}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET seq = 9007199254740993 WHERE seq = (SELECT max(seq) FROM events)",
        "UPDATE events SET payload = '\"' || replace(hex(zeroblob(700000)), '0', 'x') || '\"' "
        "WHERE seq = (SELECT max(seq) FROM events)",
    ],
)
def test_numbers_and_texts_too_large_to_read_are_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setitem(foreign._LIMITS, sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
    changed = with_database(bundle, tmp_path / "changed.zip", statement, unguarded=True, follow=False)
    assert "audit.db cannot be read" in refused(changed, tmp_path)


@pytest.mark.parametrize("change", RECORDS)
def test_a_record_that_fails_a_check_is_refused_with_its_sentence(bundle: Path, tmp_path: Path, change: str) -> None:
    statement, sentence = RECORDS[change]
    changed = with_database(bundle, tmp_path / "changed.zip", statement, unguarded=True)
    assert sentence in refused(changed, tmp_path)


def test_events_that_differ_from_the_database_are_refused(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    lines = files["events.jsonl"]
    for changed, sentence in (
        (lines.replace(b'"accepted"', b'"rejected"', 1).replace(b"accepted", b"rejected", 1), "differ at event"),
        (lines + lines.splitlines(keepends=True)[-1], "holds more than"),
        (lines[: len(lines) // 2], "differ at event"),
    ):
        files["events.jsonl"] = changed
        assert sentence in refused(write_bundle(files, tmp_path / "changed.zip"), tmp_path)


def test_what_is_left_behind_is_compared_with_the_record_first(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    table = files["tables/leaderboards.csv"].replace(b"soft", b"full")
    forged = write_bundle({**files, "tables/leaderboards.csv": table}, tmp_path / "a.zip")
    assert "'bundle' failed: tables/leaderboards.csv is not what the view" in refused(forged, tmp_path)
    del files["tables/leaderboards.csv"]
    assert "'bundle' failed: there is no tables/lead" in refused(write_bundle(files, tmp_path / "b.zip"), tmp_path)


def test_a_database_whose_header_asks_for_a_log_is_refused(bundle: Path, tmp_path: Path) -> None:
    changed = with_database(bundle, tmp_path / "changed.zip", "PRAGMA journal_mode=WAL", follow=False)
    assert "'file' failed: audit.db asks for a write-ahead log" in refused(changed, tmp_path)


def test_a_missing_or_changed_artifact_is_refused(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    name = next(name for name in files if name.startswith("artifacts/"))
    assert "'artifacts' failed" in refused(write_bundle({**files, name: b"other"}, tmp_path / "a.zip"), tmp_path)
    del files[name]
    assert "which is missing" in refused(write_bundle(files, tmp_path / "b.zip"), tmp_path)


def test_a_note_of_redaction_does_not_hide_a_changed_text(sample: Path, bundle: Path, tmp_path: Path) -> None:
    note = json.dumps({"texts": 3, "artifacts": []}).encode()
    files = contents(with_database(bundle, tmp_path / "a.zip", "UPDATE blobs SET body = x'00'", unguarded=True))
    assert "'blobs' failed" in refused(write_bundle({**files, "redacted.json": note}, tmp_path / "b.zip"), tmp_path)
    for nonsense in (b"{}", b"[]", b"\xff", b'{"texts": "x", "artifacts": 1}'):
        body = write_bundle({**contents(bundle), "redacted.json": nonsense}, tmp_path / "c.zip")
        assert "cannot be checked" in refused(body, tmp_path)


STRANGE = (
    "json.py",
    "tables/json.py",
    "tables/run.csv.py",
    "sitecustomize.py",
    "verify.pyc",
    "audit.db-wal",
    "audit.db-journal",
    "imported.json",
    "private/raters.csv",
    "plots/a.html",
    "heads/0.json",
    "keys/id_ed25519",
    "artifacts/json.py",
    "x/y",
)


@pytest.mark.parametrize("name", STRANGE)
def test_a_bundle_with_a_file_that_no_export_writes_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    """It is listed in the manifest; but whoever unzips the bundle and runs the genuine verify.py may run it."""
    changed = write_bundle({**contents(bundle), name: b"surprise"}, tmp_path / "changed.zip")
    assert f"it holds {name!r}, which `dempo export` does not write" in refused(changed, tmp_path)


@needs_ssh_keygen
def test_what_an_export_writes_is_never_strange(bundle: Path, tmp_path: Path) -> None:
    root = signed_record(tmp_path / "signed", make_key(tmp_path))
    export_run(root, tmp_path / "signed.zip", redact=True, told=silent)
    names = {*contents(bundle), *contents(tmp_path / "signed.zip")}
    assert {"artifacts", "heads", "keys", "plots", "tables"} == {name.split("/")[0] for name in names if "/" in name}
    refuse_strange(names)


def test_the_same_bundle_again_is_said_to_be_the_same(bundle: Path, tmp_path: Path) -> None:
    root = imported(bundle, tmp_path / "runs").path
    with pytest.raises(StorageError, match="was imported before: this very bundle is the run in ") as error:
        imported(bundle, tmp_path / "runs")
    assert root in str(error.value)
    other = write_bundle({**contents(bundle), "LIMITS.md": b"none"}, tmp_path / "other.zip")
    with pytest.raises(StorageError, match="exists and is not this bundle"):
        imported(other, tmp_path / "runs")


def test_too_little_space_is_said_with_what_is_kept_free(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bundle(bundle) as opened:
        size = f"{opened.inflated / 1024**2:,.1f}"
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1024})())
    with pytest.raises(StorageError, match=rf"up to {size} MiB, plus 64 MiB that are kept free, and 0.0 MiB are free"):
        imported(bundle, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("missing", ["audit.db", "events.jsonl"])
def test_a_bundle_without_a_record_is_refused(bundle: Path, tmp_path: Path, missing: str) -> None:
    files = {name: body for name, body in contents(bundle).items() if name != missing}
    assert f"there is no {missing}" in refused(write_bundle(files, tmp_path / "changed.zip"), tmp_path)


@pytest.mark.parametrize(
    "body", [b"no database at all" * 100, b"", b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "nothing", "header"]
)
def test_a_database_that_is_none_is_refused(bundle: Path, tmp_path: Path, body: bytes) -> None:
    files = {**contents(bundle), "audit.db": body}
    with pytest.raises(VerificationFailed, match="audit.db cannot be read|cannot be trusted"):
        imported(write_bundle(files, tmp_path / "changed.zip"), tmp_path / "runs")


@pytest.mark.long
def test_a_database_with_flipped_bytes_never_ends_in_a_traceback(bundle: Path, tmp_path: Path) -> None:
    files = contents(bundle)
    whole = files["audit.db"]
    outcomes = set()
    for number, at in enumerate(range(16, len(whole), len(whole) // 60)):
        body = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        changed = write_bundle({**files, "audit.db": body}, tmp_path / "changed.zip")
        runs = tmp_path / f"runs{number}"
        try:
            root = Path(imported(changed, runs).path)
        except DempoError as error:
            outcomes.add(error.exit_code)
            assert not runs.exists()
        else:
            last = json.loads(files["events.jsonl"].splitlines()[-1])
            assert Reader(root).head() == (last["seq"], last["hash"])
    assert 4 in outcomes


def test_a_missing_bundle_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.zip: No such file or directory; nothing was imported"):
        imported(tmp_path / "none.zip", tmp_path / "runs")


def test_the_schema_of_a_good_record_is_as_written(sample: Path, tmp_path: Path) -> None:
    assert TRIGGERS
    with closing(connect(sample / "audit.db")) as db:
        db.execute("PRAGMA query_only=OFF")
        db.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])
    with closing(connect_foreign(tmp_path / "copy.db")) as db:
        assert wrong_schema(db, tree_facts()) is None


def test_a_golden_record_is_judged_by_its_numbers(tmp_path: Path) -> None:
    """It holds invented numbers, which the import refuses; its older views are taken."""
    from golden import GOLDEN

    for folder in sorted(GOLDEN.parent.iterdir()):
        (root,) = [path for path in folder.iterdir() if path.is_dir()]
        target = tmp_path / f"{folder.name}.zip"
        export_run(root, target, told=silent)
        with pytest.raises(VerificationFailed, match=r"check '(stages|pool|quotas|lotteries|draws)' failed"):
            imported(target, tmp_path / folder.name)


def test_a_full_disk_ends_in_a_sentence_and_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageError, match="File too large; nothing was imported"):
            imported(bundle, runs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not runs.exists()


@pytest.mark.parametrize("name", [b"run\xff.zip", b"run\x1b[31m\n.zip", "run\u202e.zip".encode()])
def test_a_bundle_with_any_file_name_is_imported(bundle: Path, tmp_path: Path, name: bytes) -> None:
    """A mail program keeps whatever name the sender chose."""
    named = tmp_path / os.fsdecode(name)
    named.write_bytes(bundle.read_bytes())
    done = imported(named, tmp_path / "runs")
    origin = origin_of(Path(done.path))
    assert origin is not None
    assert origin.source == named.name
    assert visible("".join(origin_lines(origin))).isprintable()


@pytest.mark.parametrize("size", [512, 65536])
def test_a_database_with_other_pages_is_imported_as_well(bundle: Path, tmp_path: Path, size: int) -> None:
    changed = with_database(bundle, tmp_path / "changed.zip", f"PRAGMA page_size={size}", "VACUUM", follow=False)
    assert imported(changed, tmp_path / "runs").run_id


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_whatever_has_the_name_of_the_run_stays(sample: Path, bundle: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / sample.name
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="ids are never reused"):
        imported(bundle, tmp_path)
    assert (place.is_file(), place.is_dir(), place.is_symlink()) == (kind == "file", kind == "folder", kind == "link")
    assert [path.name for path in tmp_path.iterdir()] == [sample.name]


def test_a_folder_that_cannot_be_written_is_a_sentence(bundle: Path) -> None:
    from test_registry import closed_folder

    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        theirs = Path(shutil.copy(bundle, place))
        with closed_folder() as runs, pytest.raises(StorageError, match="Permission denied; nothing was imported"):
            imported(theirs, runs)
