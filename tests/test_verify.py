"""Verification names the first event that breaks a record, and never writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from records import done, small_record

from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.log import Log
from storage.record.schema import TRIGGERS
from storage.verifier.checks import CHECKS
from storage.verify import Check, verify


def failures(root: Path) -> dict[str, Check]:
    return {check.name: check for check in verify(root) if check.verdict == "failed"}


def tamper(root: Path, *statements: str) -> None:
    """Changes a record as somebody with write access would: triggers off, change, triggers on again."""
    db = sqlite3.connect(root / "audit.db")
    for name in TRIGGERS:
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    for sql in TRIGGERS.values():
        db.execute(sql)
    db.commit()
    db.close()


def test_a_good_record_passes_every_check(tmp_path: Path) -> None:
    checks = verify(small_record(tmp_path))
    assert [check.name for check in checks] == list(CHECKS)
    assert {check.name for check in checks if check.verdict != "ok"} == {"configuration"}, "it has no config.toml"


@pytest.mark.parametrize(
    ("statement", "check", "event"),
    [
        ("UPDATE events SET payload = replace(payload, '0.7', '0.1') WHERE seq = 3", "chain", 3),
        ("UPDATE events SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 4", "chain", 4),
        ("UPDATE events SET stage = 'judge' WHERE seq = 2", "chain", 2),
        ("DELETE FROM events WHERE seq = 3", "chain", 3),
        ("DELETE FROM events", "chain", None),
        ("UPDATE blobs SET body = x'00'", "blobs", 1),
        ("DELETE FROM blobs", "blobs", 1),
    ],
)
def test_a_change_is_found_and_its_event_named(tmp_path: Path, statement: str, check: str, event: int | None) -> None:
    root = small_record(tmp_path)
    tamper(root, statement)
    assert failures(root)[check].event == event


def test_two_events_that_change_places_are_found(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    tamper(
        root,
        "UPDATE events SET seq = 100 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 100",
    )
    assert failures(root)["chain"].event == 3


def test_a_dropped_trigger_and_a_changed_view_are_found(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    with sqlite3.connect(root / "audit.db") as db:
        db.execute("DROP TRIGGER events_no_delete")
        db.execute("DROP VIEW leaderboards")
        db.execute("CREATE VIEW leaderboards AS SELECT 'soft' AS condition")
    assert failures(root)["schema"].detail.endswith("events_no_delete, leaderboards")


def test_a_record_moved_under_another_name_is_found(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    moved = root.rename(root.with_name("20260101-000000-other"))
    assert failures(moved)["genesis"].event == 1


def test_a_missing_or_changed_artifact_is_found(tmp_path: Path) -> None:
    from core.events import Artifact, ReferenceComputed, digest
    from core.facts.training.rules import REFERENCE_TYPE

    root = small_record(tmp_path)
    artifact = Artifact(sha256=digest(b"rows"), bytes=4, media_type=REFERENCE_TYPE)
    event = ReferenceComputed(sequences=1, cut_contexts=0, cut_responses=0, rule=1, artifact=artifact)
    with Log.open(RunFolder(root)) as log:
        log.record("train", [event, done()], unit=("reference", 1))
    assert failures(root)["artifacts"].event == 8
    (root / "artifacts" / artifact.sha256).write_bytes(b"cows")
    assert "was changed" in failures(root)["artifacts"].detail
    (root / "artifacts" / artifact.sha256).write_bytes(b"rows")
    assert "reference" in failures(root), "which it is not"
    assert "artifacts" not in failures(root)


def test_a_cut_file_is_a_verdict_and_not_a_traceback(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    path = root / "audit.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert failures(root)


def test_a_file_that_is_no_database_is_a_verdict(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    (root / "audit.db").write_bytes(b"no database at all" * 100)
    assert {"file", "schema", "chain"} <= failures(root).keys()


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no run"):
        verify(tmp_path)


def test_verification_writes_nothing(tmp_path: Path) -> None:
    root = small_record(tmp_path)
    before = {p.name: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    verify(root)
    after = {p.name: p.read_bytes() for p in root.rglob("*") if p.is_file() and not p.name.endswith(("-shm", "-wal"))}
    assert after == {name: body for name, body in before.items() if not name.endswith(("-shm", "-wal"))}
