"""`kill -9` at any moment, then `dempo resume`: the final record is the same as an uninterrupted run's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from commands import dempo
from same_record import differences
from verified_runs import small_demo

from core.errors import Stopped
from core.run_folder import RunFolder
from storage.errors import StorageError
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verify import verify
from tui.commands.runs.engine import request_stop
from tui.commands.runs.process import work
from tui.terminal.console import Console

CHECKOUT = Path(__file__).parent.parent

QUESTIONS = 8
"""Of each clause."""

SMALL = [
    "train.steps=12",
    "train.checkpoint_minutes=0",
    "train.tiny.steps=20",
    "train.tiny.hidden=32",
    "answer.clauses=2",
    f"answer.per_clause={QUESTIONS}",
    "answer.batch=4",
    "answer.max_tokens=16",
    "rank.resamples=50",
]


def engine(root: Path, *options: str, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """`dempo resume` in a process of its own, `before` before it; a run that was only created begins with it."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "tui", "resume", str(root), "--quiet", *options],
        cwd=CHECKOUT,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(root: Path) -> None:
    process = engine(root)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors.decode()


def kill_when(root: Path, ready: Callable[[Reader], bool]) -> None:
    """Starts an engine and kills it with SIGKILL as soon as the record says that it is where we want it."""
    process = engine(root)
    deadline = time.monotonic() + 200
    reader = Reader(root)
    try:
        while not ready(reader):
            assert process.poll() is None, f"the engine ended first: {process.stderr.read()!r}"  # type: ignore[union-attr]
            assert time.monotonic() < deadline, "the engine never came there"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert reader.status() == "interrupted"


def events(reader: Reader, stage: str, kind: str) -> int:
    (row,) = reader.query("SELECT count(*) AS n FROM events WHERE stage = ? AND kind = ?", [stage, kind])
    return int(row["n"])


def in_lottery(reader: Reader) -> bool:
    return events(reader, "lottery", "stage.started") > 0 and events(reader, "lottery", "stage.completed") == 0


def in_the_midst_of_training(reader: Reader) -> bool:
    """A condition of twelve steps leaves a state after each but the last."""
    return events(reader, "train", "train.state") % 11 > 2 and events(reader, "train", "unit.completed") >= 2


def among_the_answers(reader: Reader) -> bool:
    return events(reader, "answer", "unit.completed") >= 4


def among_the_judgements(reader: Reader) -> bool:
    return events(reader, "judge", "judge.called") >= 5


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_killed_in_lottery_train_answer_and_judge_ends_with_the_same_record(tmp_path: Path) -> None:
    whole = small_demo(tmp_path / "whole", SMALL, QUESTIONS)
    # both runs read the same folder, so that their configurations are equal
    killed = small_demo(tmp_path / "killed", [*SMALL, *_places(tmp_path / "whole")], QUESTIONS)
    finish(whole)
    for ready in (in_lottery, in_the_midst_of_training, among_the_answers, among_the_judgements):
        kill_when(killed, ready)
        assert all(check.verdict == "ok" for check in verify(killed)), ready.__name__
    finish(killed)
    assert differences(whole, killed) == []
    assert all(check.verdict == "ok" for check in verify(killed))
    assert Reader(killed).status() == "completed"
    attempts = Reader(killed).query("SELECT max(payload->>'$.attempt') AS most FROM events")
    assert attempts[0]["most"] >= 2, "a unit that was interrupted is recorded again"


def _places(runs: Path) -> list[str]:
    world = runs / "worlds" / "planted-0"
    return [
        f"data.path={world}",
        f"answer.constitution={world / 'constitution.txt'}",
        f"answer.questions={world / 'questions'}",
    ]


def test_a_second_engine_on_a_run_is_refused(tmp_path: Path) -> None:
    root = small_demo(tmp_path, SMALL, QUESTIONS)
    first = engine(root)
    try:
        while Reader(root).engine_pid() is None:  # it has the lock a moment before its name stands in it
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)  # it holds the lock all the same, and works no more
        second = engine(root)
        _, errors = second.communicate(timeout=240)
        assert second.returncode == StorageError.exit_code
        assert f"another engine (process {first.pid})" in errors.decode()
    finally:
        first.kill()
        first.wait()


def test_a_signal_stops_between_two_units_and_a_resume_goes_on(tmp_path: Path) -> None:
    root = small_demo(tmp_path, SMALL, QUESTIONS)
    process = engine(root)
    reader = Reader(root)
    while events(reader, "pairs", "stage.started") == 0:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=240)
    assert process.returncode == 143
    assert reader.status() == "stopped"
    assert reader.view("operator_actions")[-1]["detail"] == "SIGTERM"
    again = dempo("resume", root, "--quiet", "--until", "pool")
    assert again.returncode == 0, again.stderr
    assert reader.status() == "paused"
    assert len(reader.view("raters")) > 0


def test_a_terminal_that_hangs_up_stops_nothing_under_nohup(tmp_path: Path) -> None:
    root = small_demo(tmp_path, SMALL, QUESTIONS)
    process = engine(root, "--until", "pool", before=["sh", "-c", 'trap "" HUP; exec "$@"', "sh"])
    reader = Reader(root)
    while events(reader, "pairs", "stage.started") == 0:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert reader.status() == "paused"
    assert reader.view("operator_actions") == []


def test_a_detached_engine_outlives_its_starter_and_can_be_watched_and_stopped(tmp_path: Path) -> None:
    started = dempo("demo", "--detach", "--json", "--runs-dir", tmp_path)
    told = json.loads(started.stdout)
    try:
        watch_and_stop(told["pid"], Path(told["path"]))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(told["pid"], signal.SIGKILL)


def test_a_stop_asked_while_the_engine_reads_the_record_is_not_lost(tmp_path: Path, monkeypatch) -> None:
    """It holds the lock then, so `dempo stop` finds it; what an engine before it did not heed does not concern it."""
    root = small_demo(tmp_path, SMALL, QUESTIONS)
    RunFolder(root).stop_request.write_text("left by an engine that was killed\n")
    asked: list[bool] = []
    find_head = Log._find_head

    def find_head_and_be_asked(log: Log) -> None:
        asked.append(not log.folder.stop_request.exists())
        find_head(log)
        request_stop(root)

    monkeypatch.setattr(Log, "_find_head", find_head_and_be_asked)
    assert work(root, None, Console(quiet=True)) == Stopped.exit_code
    assert asked == [True], "the request of before is gone"
    assert Reader(root).status() == "stopped"


def watch_and_stop(pid: int, root: Path) -> None:
    reader = Reader(root)
    deadline = time.monotonic() + 240
    while reader.engine_pid() != pid:
        assert time.monotonic() < deadline, "the engine never took the lock"
        time.sleep(0.02)
    assert os.getsid(pid) == pid, "the engine has a session of its own"
    assert dempo("stop", root).returncode == 0
    watched = dempo("watch", root)
    assert watched.returncode == 0
    assert "engine.stopped" in watched.stdout
    assert reader.status() == "stopped"
    again = dempo("stop", root)
    assert again.returncode == 1
    assert "there is nothing to stop" in again.stderr
