"""chain.py, which a sceptic reads in ten minutes: what it says of a record is what verify.py says of the same parts."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from both_verifiers import checked
from golden import GOLDEN
from hypothesis import given
from tampering import edited, flipped, opened, removed, tampered
from test_canonical import values

from core.events import digest
from core.facts.canonical import canonical_text
from storage.record.schema import FORMAT, RELEASED_VIEWS
from storage.verifier.ground.reading import schema_digest
from storage.verifier.vouching.kept import Head

FILE = Path(__file__).resolve().parent.parent / "chain.py"
PARTS = {"file", "schema", "chain", "events", "blobs", "artifacts"}
"""The checks of verify.py that it repeats; of an event it looks at the form of the payload alone."""


def run_chain(root: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", str(FILE), str(root), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def loaded() -> ModuleType:
    spec = spec_from_file_location("chain_file", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ------------------------------------------------------------ the file itself


def test_it_can_be_read_in_ten_minutes() -> None:
    assert len(FILE.read_text(encoding="utf-8").splitlines()) <= 175


def test_the_digests_in_it_are_those_of_the_schema() -> None:
    """Where this fails, put what it expects into chain.py: one line for each."""
    assert schema_digest(FORMAT) == loaded().TABLES
    assert tuple(RELEASED_VIEWS.values()) == loaded().VIEWS


@given(values)
def test_its_own_canonical_form_is_the_one_of_records(value: Any) -> None:
    assert loaded_once.canonical(value) == canonical_text(value)


loaded_once = loaded()

# ------------------------------------------------------------ records


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.parent.iterdir()))
def test_golden_records_hold(name: str) -> None:
    (root,) = [path for path in (GOLDEN.parent / name).iterdir() if path.is_dir()]
    code, told = run_chain(root)
    assert code == 0, told
    with closing(sqlite3.connect(f"file:{root}/audit.db?mode=ro&immutable=1", uri=True)) as db:
        seq, head = db.execute("SELECT seq, hash FROM events ORDER BY seq DESC").fetchone()
    assert f"event {seq}, {head}" in told


def _escaped(db: sqlite3.Connection) -> None:
    db.execute("UPDATE events SET payload = replace(payload, '\"rows\":', '\"\\u0072ows\":') WHERE kind LIKE 'leader%'")


def _later_view(db: sqlite3.Connection) -> None:
    db.execute("DROP VIEW run")
    db.execute("CREATE VIEW run AS SELECT 'forged' AS run_id")


def _table_of_another_type(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_master SET type = 'table' WHERE name = 'run'")


MUTATIONS: dict[str, tuple[Callable[[sqlite3.Connection], None], bool]] = {
    "a byte of a payload": (flipped("events", "payload", 40), False),
    "a byte of a time": (flipped("events", "at", -1), False),
    "a byte of the last hash": (flipped("events", "hash", -1), False),
    "a number of an event": (flipped("events", "seq", 3), False),
    "an event less": (removed("stage.completed"), False),
    "an escaped key": (_escaped, True),
    "a byte of a text": (flipped("blobs", "body", 3), False),
    "a name of a text": (flipped("blobs", "sha256", 3), False),
    "a text less": (lambda db: void(db.execute("DELETE FROM blobs WHERE rowid = 5")), False),
    "an index more": (lambda db: void(db.execute("CREATE INDEX more ON events(at)")), False),
    "another view": (_later_view, False),
    "a view that is called a table": (_table_of_another_type, False),
    "nothing": (lambda db: None, False),
    "a text that no event refers to": (
        lambda db: void(db.execute("INSERT INTO blobs VALUES (?, ?)", (digest(b"spare"), b"spare"))),
        False,
    ),
    "a loss, with a new chain": (edited("train.step", lambda values: values.update(loss=0.1)), True),
}


def void(_: object) -> None:
    """So that a change is one expression."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_agrees_with_verify_py(name: str, trained: Path, tmp_path: Path) -> None:
    change, mended = MUTATIONS[name]
    root = tampered(trained, tmp_path, change, mended)
    failed = {check.name for check in checked(root).values() if check.verdict == "failed"} & PARTS
    code, told = run_chain(root)
    assert code == (4 if failed else 0), (failed, told)
    assert ("FAILED" in told) == bool(failed)
    assert "Traceback" not in told


def test_artifacts_are_compared_with_their_names_and_withheld_ones_are_said(trained: Path, tmp_path: Path) -> None:
    root = tampered(trained, tmp_path, lambda db: None)
    artifact = next((root / "artifacts").iterdir())
    body = artifact.read_bytes()
    artifact.chmod(0o644)
    artifact.write_bytes(body[:-1])
    assert run_chain(root)[0] == 4
    artifact.unlink()
    assert run_chain(root)[0] == 4
    (root / "redacted.json").write_text(json.dumps({"texts": 0, "artifacts": [artifact.name]}))
    assert run_chain(root)[0] == 0
    with opened(root) as db:
        db.execute("DELETE FROM blobs")
    assert run_chain(root)[0] == 4
    (root / "redacted.json").write_text(json.dumps({"texts": 10_000, "artifacts": [artifact.name]}))
    code, told = run_chain(root)
    assert code == 0
    assert re.search(r"[1-9][0-9]* were withheld", told)
    (root / "redacted.json").write_text("[]")
    assert run_chain(root)[0] == 4


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_journal_beside_the_record_is_refused(ending: str, trained: Path, tmp_path: Path) -> None:
    """An empty one is what reading a run leaves there."""
    root = tampered(trained, tmp_path, lambda db: None)
    (root / f"audit.db{ending}").write_bytes(b"")
    assert run_chain(root)[0] == 0
    (root / f"audit.db{ending}").write_bytes(b"pages")
    code, told = run_chain(root)
    assert (code, f"audit.db{ending} lies beside the record" in told) == (2, True)


def test_a_kept_head_is_in_the_chain_or_not(trained: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trained, tmp_path / trained.name)
    with closing(sqlite3.connect(root / "audit.db")) as db:
        hashes = [row[0] for row in db.execute("SELECT hash FROM events ORDER BY seq")]
    shutil.rmtree(root)
    seq = len(hashes) - 3
    kept = tmp_path / "head"
    lines = Head(trained.name, hashes[0], seq, hashes[seq - 1], "1" * 64, "0" * 64).text()
    for text in (lines, json.dumps({"text": lines, "signature": "x"}), f"{seq} {hashes[seq - 1]}\n"):
        kept.write_text(text)
        assert run_chain(trained, "--head", str(kept))[0] == 0, text
        kept.write_text(text.replace(hashes[seq - 1], hashes[seq]))
        assert run_chain(trained, "--head", str(kept))[0] == 4, text
    assert run_chain(trained, "--head", str(seq), hashes[seq - 1])[0] == 0
    assert run_chain(trained, "--head", str(len(hashes) + 1), hashes[-1])[0] == 4
    kept.write_text("no head at all")
    assert run_chain(trained, "--head", str(kept))[0] == 2
    assert run_chain(trained, "--head", str(tmp_path / "missing"))[0] == 2


def test_where_there_is_no_record_it_says_so(tmp_path: Path) -> None:
    assert run_chain(tmp_path)[0] == 2
    (tmp_path / "audit.db").write_text("no database at all")
    assert run_chain(tmp_path)[0] == 4
