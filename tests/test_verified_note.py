"""The note that a verification leaves for the list of runs: what was said, when, and of which head."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sample_run
from typer.testing import CliRunner

from core.run_folder import RunFolder
from storage.check import Check
from storage.record.foreign import MARK
from storage.record.reader import Reader
from storage.record.verified import Verified, last_verification, note_verification, recorded_head
from tui.cli import app

CHECKS = [Check("file", "ok", ""), Check("chain", "failed", "told", 3), Check("signatures", "unknown", "unsigned")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def root(sample: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample, tmp_path / "runs" / sample.name))


def test_dempo_verify_notes_what_it_said_of_a_run_of_this_folder_and_of_no_other(root: Path) -> None:
    elsewhere = ["verify", str(root), "--runs-dir", str(root), "--json"]
    CliRunner().invoke(app, elsewhere)
    assert last_verification(root) is None
    told = CliRunner().invoke(app, ["verify", root.name, "--runs-dir", str(root.parent), "--json"])
    verdicts = [check["verdict"] for check in json.JSONDecoder().raw_decode(told.stdout)[0]["checks"]]
    noted = last_verification(root)
    assert noted is not None
    assert noted.counts == {verdict: verdicts.count(verdict) for verdict in set(verdicts)}
    assert (noted.seq, noted.hash) == Reader(root).head()


def test_the_note_names_the_first_check_that_failed_and_where(root: Path) -> None:
    note_verification(root, recorded_head(root), CHECKS)
    noted = last_verification(root)
    assert noted is not None
    assert (noted.failed, noted.event, noted.unchecked) == ("chain", 3, 0)
    assert noted.counts == {"ok": 1, "failed": 1, "unknown": 1}


GOOD: dict[str, Any] = {
    "at": "2026-01-01T00:00:00.000000Z",
    "seq": 3,
    "hash": "ab",
    "counts": {"ok": 1},
    "failed": "",
    "event": None,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "yesterday"},
        {"at": 7},
        {"seq": -1},
        {"seq": True},
        {"hash": None},
        {"counts": {"fine": 1}},
        {"counts": [1]},
        {"counts": {"ok": "many"}},
        {"failed": "chain"},
        {"event": "3"},
        {"more": 1},
    ],
)
def test_a_note_that_says_something_else_is_none(root: Path, wrong: dict[str, Any]) -> None:
    path = RunFolder(root).verified
    path.write_text(json.dumps(GOOD))
    assert last_verification(root) == Verified(**GOOD)
    path.write_text(json.dumps(GOOD | wrong))
    assert last_verification(root) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b"[" * 9_000])
def test_a_broken_note_is_none(root: Path, body: bytes) -> None:
    RunFolder(root).verified.write_bytes(body)
    assert last_verification(root) is None


def test_nothing_is_written_into_somebody_elses_run_and_nothing_of_it_believed(root: Path) -> None:
    (root / MARK).write_text("{}")
    note_verification(root, (3, "ab"), CHECKS)
    assert not RunFolder(root).verified.exists()
    RunFolder(root).verified.write_text(json.dumps(GOOD))
    assert last_verification(root) is None


def test_where_nothing_can_be_written_nothing_is_said_of_it(root: Path) -> None:
    shutil.rmtree(RunFolder(root).control)
    RunFolder(root).control.write_text("no folder")
    note_verification(root, recorded_head(root), CHECKS)
    assert last_verification(root) is None
