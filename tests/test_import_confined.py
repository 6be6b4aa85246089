"""The checks of an import run in a process of their own: what takes too long, or all memory, ends in a sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rewritten import Row, forged

from core.config import from_recorded
from core.errors import DempoError, Unchecked, VerificationFailed
from core.pipeline import STAGES
from core.stage import stage_key
from storage.errors import StorageError
from storage.export.export import export_run
from storage.imports import confined
from storage.imports.importing import Imported, import_bundle
from storage.record.foreign import MARK, import_note

HERE = Path(__file__).resolve().parent
RESAMPLES = 6_000_000
"""Of 24 rankings of 6 conditions: fewer than checks refuse at once, and they take minutes and gigabytes."""


def silent(what: str, done: float, total: float) -> None:
    """No progress."""


def imported(bundle: Path, runs: Path, told: Callable[[str, float, float], None] = silent) -> Imported:
    return import_bundle(bundle, runs, told)


def with_resamples(rows: list[Row]) -> list[Row]:
    """A record whose scores rest on very many resamples, as its author wrote it: the stage has the key that follows."""
    rows[0].payload["config"]["rank"]["resamples"] = RESAMPLES
    (rank,) = (stage for stage in STAGES if stage.name == "rank")
    key = {row.stage: row.payload["key"] for row in rows if row.kind == "stage.started"}["judge"]
    for row in rows:
        if row.stage == "rank" and "key" in row.payload:
            row.payload["key"] = stage_key(
                rank, from_recorded(rows[0].payload["config"], rows[0].payload.get("places", {})), [key]
            )
        if row.kind == "leaderboard.computed":
            row.payload["resamples"] = RESAMPLES
    return rows


def export_run_unchecked(root: Path, target: Path) -> None:
    """An exporter that checks nothing: a hostile one needs no verdicts in its report."""
    from storage.export import export

    before = export.verify_all
    export.verify_all = lambda root: []
    try:
        export_run(root, target, told=silent)
    finally:
        export.verify_all = before


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "run.zip"
    export_run(trained, target, told=silent)
    return target


@pytest.fixture(scope="module")
def endless(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose checks need more than anybody gives them, every hash made anew."""
    folder = tmp_path_factory.mktemp("endless")
    export_run_unchecked(forged(trained, folder, with_resamples), folder / "endless.zip")
    return folder / "endless.zip"


def examining(folder: Path) -> list[int]:
    """Processes that check something below a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"storage.imports.examine" in words and any(str(folder).encode() in word for word in words):
            found.append(int(entry.name))
    return found


def nothing_is_left(runs: Path) -> None:
    """No file, and no process: one that was ended may still be there while the system is busy."""
    assert not runs.exists() or list(runs.iterdir()) == []
    until = time.monotonic() + 60
    while examining(runs) and time.monotonic() < until:
        time.sleep(0.1)
    assert examining(runs) == []


def test_a_good_bundle_passes_and_its_progress_is_told(bundle: Path, tmp_path: Path) -> None:
    told: list[str] = []
    done = imported(bundle, tmp_path, lambda what, at, total: told.append(what))
    assert {row["verdict"] for row in done.checks} <= {"ok", "unknown"}
    assert import_note(Path(done.path))["checks"] == list(done.checks)
    assert any(what.startswith("checking the record, ") for what in told)
    with pytest.raises(StorageError, match="was imported before"):
        imported(bundle, tmp_path)


@pytest.mark.long
def test_checks_that_do_not_end_are_ended(endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "SECONDS", 6)
    begun = time.monotonic()
    with pytest.raises(Unchecked, match=r"did not end within 0\.1 minutes; nothing was imported") as error:
        imported(endless, tmp_path / "runs")
    assert error.value.exit_code == 7
    assert 6 <= time.monotonic() - begun < 120
    nothing_is_left(tmp_path / "runs")


def test_checks_that_take_all_memory_are_ended(endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "MEMORY", 300 * 1024**2)
    with pytest.raises((VerificationFailed, Unchecked), match="GiB of memory"):
        imported(endless, tmp_path / "runs")
    nothing_is_left(tmp_path / "runs")


def test_a_process_that_is_killed_from_outside_is_a_sentence(endless: Path, tmp_path: Path) -> None:
    def kill() -> None:
        while not ended.is_set():
            for number in examining(tmp_path):
                os.kill(number, signal.SIGKILL)
                return
            time.sleep(0.1)

    ended = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(VerificationFailed, match=r"were ended by SIGKILL: .*; nothing was imported"):
            imported(endless, tmp_path / "runs")
    finally:
        ended.set()
        killer.join()
    nothing_is_left(tmp_path / "runs")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_import_that_is_ended_leaves_nothing(endless: Path, tmp_path: Path, number: int, code: int) -> None:
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "import", endless, "--runs-dir", runs],
        cwd=HERE.parent,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # where the tests themselves run under nohup
    )
    while not examining(runs):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == code
    assert "nothing was imported" in errors
    nothing_is_left(runs)


@pytest.mark.long
def test_what_a_killed_import_left_is_removed_by_the_next_one(endless: Path, bundle: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "import", endless, "--runs-dir", tmp_path],
        cwd=HERE.parent,
        stderr=subprocess.DEVNULL,
    )
    while not examining(tmp_path):
        assert process.poll() is None
        time.sleep(0.1)
    (scratch,) = tmp_path.glob(".importing-*")
    old = time.time() - 3600
    os.utime(scratch, (old, old))
    assert imported(bundle, tmp_path).run_id, "another import at the same time"
    assert scratch.exists(), "somebody works in it"
    process.kill()
    process.wait()
    for child in examining(tmp_path):
        os.kill(child, signal.SIGKILL)
    shutil.rmtree(next(tmp_path.glob("2*")))
    imported(bundle, tmp_path)
    assert not scratch.exists()


def test_two_imports_of_one_bundle_at_once_make_one_run(bundle: Path, tmp_path: Path) -> None:
    outcomes: list[str] = []

    def one() -> None:
        try:
            outcomes.append(imported(bundle, tmp_path).run_id)
        except DempoError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    (root,) = tmp_path.iterdir()
    assert (root / MARK).is_file()
    assert sorted(outcome == root.name for outcome in outcomes) == [False, True]
    assert any("was imported before: this very bundle" in outcome for outcome in outcomes)


def test_modules_of_the_current_folder_are_not_run(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody unzips a stranger's files and imports from there."""
    hostile = tmp_path / "downloads"
    (hostile / "storage").mkdir(parents=True)
    for name in ("random.py", "sqlite_utils.py", "storage/__init__.py"):
        (hostile / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(hostile)
    imported(bundle, tmp_path / "runs")
    assert not (tmp_path / "ran").exists()
