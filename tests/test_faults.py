"""SIGKILL at every named place and at any moment: no acknowledged event is lost, and the next engine goes on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from commands import dempo
from night import TODAY, size
from records import answer, done, genesis
from signing import make_key, needs_ssh_keygen

from core.data.pseudonyms import PLANTED
from core.events import digest
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.log import Log
from storage.record.reader import list_runs
from storage.verify import verify, verify_all

WRITER = Path(__file__).parent / "fault_writer.py"
FAILPOINTS = ("before transaction", "inside transaction", "after commit")
SIGNING = ("head signed", "head recorded")

Acknowledged = list[tuple[int, str]]


def start(*arguments: str | Path, failpoint: str = "") -> subprocess.Popen[str]:
    """The writer, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, WRITER, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"DEMPO_FAILPOINT": failpoint},
    )


def acknowledged(output: str) -> Acknowledged:
    """Number and hash of each head that the writer printed; a line that the kill cut off doesn't count."""
    whole = output[: output.rfind("\n") + 1]
    return [(int(seq), head) for seq, head in (line.split() for line in whole.splitlines())]


def killed_at(root: Path, failpoint: str, *arguments: str | Path) -> Acknowledged:
    """What a writer acknowledged before it died at a named place."""
    process = start(root, *arguments, failpoint=failpoint)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL, (failpoint, errors)
    return acknowledged(output)


def killed_after(root: Path, seconds: float, *arguments: str | Path) -> Acknowledged:
    """What a writer acknowledged before it was killed, so long after it was started."""
    process = start(root, *arguments)
    threading.Timer(seconds, process.kill).start()
    output, errors = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL, errors
    return acknowledged(output)


def pace(root: Path) -> float:
    """Seconds until a writer has recorded its first unit, on this machine and now."""
    process, begun = start(root), time.monotonic()
    assert process.stdout is not None
    process.stdout.readline()
    seconds = time.monotonic() - begun
    process.kill()
    process.communicate(timeout=240)
    return seconds


def stored(root: Path) -> Acknowledged:
    with closing(sqlite3.connect(root / "audit.db")) as db:
        return db.execute("SELECT seq, hash FROM events ORDER BY seq").fetchall()


def nothing_is_lost(root: Path, before: Acknowledged, told: Acknowledged) -> Acknowledged:
    """Checks a record after a kill; returns all that it holds now.

    Args:
        before: what the record held before the writer was started.
        told: what the writer acknowledged.
    """
    kept = stored(root)
    assert kept[: len(before)] == before
    assert set(told) <= set(kept)
    last = max([*before, *told, (0, "")])[0]
    assert len(kept) <= last + 3, "at most one unit, or one signed head, can be recorded and not yet acknowledged"
    assert not [check for check in verify_all(root) if check.verdict == "failed"]
    return kept


def go_on(root: Path) -> Acknowledged:
    """The next engine finds every whole unit, and continues; returns what is stored then."""
    with Log.open(RunFolder(root)) as log:
        seq = log.head[0]
        for events in log.completed("answer").values():
            assert [event.kind for event in events] == ["answer.given"]
            log.text(events[0].answer.sha256)  # type: ignore[attr-defined]  # raises where it is not whole
        event, text = answer(b"after the kill", f"1:{log.head[0]}")
        log.record("answer", [event, done()], unit=(f"next/{seq}", 1), blobs=[text])
        assert log.text(digest(text)) == "after the kill"
        assert log.head[0] == seq + 2
    return stored(root)


def new_record(runs: Path, number: int = 0) -> Path:
    root = runs / f"20260101-{number:06d}-faults"
    Log.create(RunFolder(root), genesis(root.name), PLANTED).close()
    return root


@pytest.mark.parametrize("failpoint", FAILPOINTS)
@pytest.mark.parametrize("times", [1, 4])
def test_a_writer_that_dies_at_a_named_place_loses_nothing(tmp_path: Path, failpoint: str, times: int) -> None:
    root = new_record(tmp_path)
    before = stored(root)
    told = killed_at(root, f"{failpoint}:{times}")
    assert len(told) == times, "the head that it found, and a line for each unit before"
    kept = nothing_is_lost(root, before, told)
    unacknowledged = len(kept) - told[-1][0]
    assert unacknowledged == (2 if failpoint == "after commit" else 0)
    nothing_is_lost(root, kept, go_on(root))


@pytest.mark.long
@needs_ssh_keygen
@pytest.mark.parametrize("failpoint", SIGNING)
def test_a_writer_that_dies_while_a_head_is_signed_loses_nothing(tmp_path: Path, failpoint: str) -> None:
    root, key = new_record(tmp_path / "runs"), make_key(tmp_path / "keys")
    before = stored(root)
    told = killed_at(root, f"{failpoint}:2", "--key", key, "--sign-every", "1")
    kept = nothing_is_lost(root, before, told)
    assert len(list((root / "heads").glob("*.json"))) == 1, "the second head never became a file"
    again = killed_at(root, "after commit:3", "--key", key, "--sign-every", "1")
    assert again[0] == kept[-1]
    nothing_is_lost(root, kept, again)


@pytest.mark.long
@pytest.mark.parametrize("failpoint", ["before schema", *FAILPOINTS])
def test_an_engine_that_dies_while_it_makes_a_run_leaves_a_run_that_is_told_apart(
    tmp_path: Path, failpoint: str
) -> None:
    process = start(tmp_path, "--register", failpoint=failpoint)
    process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL
    (half,) = (path for path in tmp_path.iterdir() if path.is_dir() and path.name != "private")
    (summary,) = list_runs(tmp_path)
    whole = failpoint == "after commit"
    assert summary.status == ("created" if whole else "not begun")
    if whole:
        assert not [check for check in verify(half) if check.verdict == "failed"]
        registry = [check.verdict for check in verify_all(half) if check.name == "registry"]
        assert "ok" not in registry, "it was never entered, so it can't pass as a run that was made here"
        with Log.open(RunFolder(half)) as log:
            log.genesis()
        half.rename(tmp_path / "aside")  # the next run may be made within the same second
    else:
        for reading in (verify, lambda root: Log.open(RunFolder(root))):
            with pytest.raises(StorageError, match=f"before its first event.*`dempo remove {half.name}`"):
                reading(half)
        assert dempo("resume", half.name, "--runs-dir", tmp_path).returncode == 1
        assert dempo("remove", half.name, "--runs-dir", tmp_path).returncode == 0
        assert not half.exists()
    process = start(tmp_path, "--register")
    made, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert not [check for check in verify(tmp_path / made.strip()) if check.verdict == "failed"]


def kills(runs: Path, count: int, seed: str, key: Path | None) -> int:
    """Kills writers at random moments, every third one while it signs; returns how many acknowledged a unit."""
    generator = random.Random(seed)
    working = 0
    for number in range(count):
        if number % 10 == 0:  # a short record is checked faster
            root = new_record(runs, number)
            first = pace(root)
            kept = go_on(root)
        signs = ("--key", key, "--sign-every", "2") if key is not None and number % 3 == 0 else ()
        if number % 4 == 3:
            point = generator.choice(FAILPOINTS + (SIGNING if signs else ()))
            told = killed_at(root, f"{point}:{generator.randint(1, 12)}", *signs)
        else:
            told = killed_after(root, first * generator.uniform(0.7, 2.5), *signs)
        working += len(told) > 1
        kept = nothing_is_lost(root, kept, told)
        kept = go_on(root)
    return working


@pytest.mark.long
def test_writers_killed_at_random_lose_nothing(tmp_path: Path) -> None:
    assert kills(tmp_path, 4, seed="1", key=None) > 0


@pytest.mark.long
@pytest.mark.night
@needs_ssh_keygen
@pytest.mark.parametrize("day", [TODAY])
def test_many_writers_killed_at_random_lose_nothing(tmp_path: Path, day: str) -> None:
    key, count = make_key(tmp_path / "keys"), size(24, 200)
    assert kills(tmp_path / "runs", count, seed=day, key=key) >= count // 2, "most of them were killed at work"
