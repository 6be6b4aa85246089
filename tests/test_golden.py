"""Records written by every version of the schema are read, verified and shown as they were then."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from golden import GOLDEN, views

from core.config import from_recorded
from core.events import OperatorAction
from core.run_folder import RunFolder
from storage.record.log import Log
from storage.record.reader import Reader
from storage.record.schema import RELEASED_VIEWS
from storage.verifier.ground.reading import schema_digest
from storage.verify import verify

VERSIONS = sorted(path.name for path in GOLDEN.parent.iterdir())


@pytest.fixture(params=VERSIONS)
def golden(request: pytest.FixtureRequest) -> Path:
    return Path(GOLDEN.parent / request.param)


@pytest.fixture
def root(golden: Path, tmp_path: Path) -> Path:
    (stored,) = [path for path in golden.iterdir() if path.is_dir()]
    return Path(shutil.copytree(stored, tmp_path / stored.name))


def test_every_view_shows_what_it_showed(root: Path, golden: Path) -> None:
    """Views and columns may be added, none may be renamed."""
    expected = json.loads((golden / "views.json").read_text(encoding="utf-8"))
    found = views(root)
    for name, rows in expected.items():
        shown = [{column: row[column] for column in rows[0]} for row in found[name]] if rows else found[name]
        assert shown == rows


INVENTED = {
    "checkpoints",
    "configuration",
    "constitution",
    "reference",
    "stages",
    "pairs",
    "quotas",
    "lotteries",
    "solver",
    "draws",
    "weights",
    "training",
    "recovery",
    "questions",
    "judge calls",
    "replies",
    "leaderboards",
    "estimates",
}
"""Checks that work numbers out again: those of a golden record are made up, and `test_verifier` has real runs."""


def test_it_is_whole(root: Path) -> None:
    assert {check.name for check in verify(root) if check.verdict != "ok"} <= INVENTED


def test_an_engine_goes_on_with_a_record_that_has_older_views(root: Path) -> None:
    """A column that is added for people must not strand a run that is under way."""
    with closing(sqlite3.connect(root / "audit.db")) as db:
        held = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall())
    assert schema_digest(held) in RELEASED_VIEWS.values()
    with Log.open(RunFolder(root)) as log:
        assert from_recorded(log.genesis().config, log.genesis().places).run.name == "sample"
        assert log.completed("train")
        log.record("run", [OperatorAction(action="look", detail="at older views")])
    verdicts = {check.name: check.verdict for check in verify(root)}
    assert (verdicts["schema"], verdicts["chain"]) == ("ok", "ok")
    assert Reader(root).view("operator_actions")[-1]["detail"] == "at older views"
    assert {row["confidence"] for row in Reader(root).view("leaderboards")} == {0.95}, "a column of newer views"


def test_the_chain_can_be_checked_with_the_standard_library_alone(root: Path) -> None:
    """The construction of `docs/events.md`, written again from its description."""
    prev = "0" * 64
    with sqlite3.connect(root / "audit.db") as db:
        for seq, at, stage, kind, payload, stored_prev, stored in db.execute("SELECT * FROM events ORDER BY seq"):
            message = b""
            for field in ("dempo-audit-1", prev, str(seq), at, stage, kind, payload):
                message += len(field.encode()).to_bytes(8, "big") + field.encode()
            assert stored_prev == prev
            assert hashlib.sha256(message).hexdigest() == stored
            prev = stored
        for key, body in db.execute("SELECT sha256, body FROM blobs"):
            assert hashlib.sha256(body).hexdigest() == key
