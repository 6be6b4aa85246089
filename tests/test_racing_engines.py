"""Several engines want one run: one works, the others get a sentence, and a killed one leaves its place to the next."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import dempo
from test_faults import acknowledged, new_record, start, stored

from core.run_folder import RunFolder
from storage.record.log import Log
from storage.record.reader import Reader
from storage.verify import verify

HERE = Path(__file__).parent
REFUSED = re.compile(r"dempo: another engine \(process (\d+)\) works on \S+; watch it with `dempo watch`.*\n")


def working(root: Path) -> subprocess.Popen[str]:
    """A writer that holds the run's lock and writes slowly."""
    process = start(root, "--pause", "0.02")
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_one_of_many_engines_works_and_the_others_get_its_number(tmp_path: Path) -> None:
    root = new_record(tmp_path)
    processes = [start(root, "--pause", "0.02") for _ in range(4)]
    deadline = time.monotonic() + 240
    while sum(p.poll() is None for p in processes) > 1:
        assert time.monotonic() < deadline, "three of four are refused"
        time.sleep(0.05)
    (winner,) = (p for p in processes if p.poll() is None)
    assert winner.stdout is not None
    begun = winner.stdout.readline() + winner.stdout.readline()
    winner.kill()
    told = acknowledged(begun + winner.communicate()[0])
    assert len(told) > 1
    for process in processes:
        if process is winner:
            continue
        output, errors = process.communicate()
        assert (process.returncode, output) == (1, "")
        found = REFUSED.fullmatch(errors)
        assert found is not None, errors
        assert int(found[1]) == winner.pid
    assert set(told) <= set(stored(root))
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))


@pytest.mark.long
def test_the_second_engine_goes_on_once_the_first_is_killed(tmp_path: Path) -> None:
    root = new_record(tmp_path)
    first = working(root)
    output, errors = start(root, "--units", "2").communicate(timeout=240)
    assert REFUSED.fullmatch(errors)
    first.send_signal(signal.SIGKILL)
    told = acknowledged(first.communicate()[0])
    second = start(root, "--units", "2")
    output, errors = second.communicate(timeout=240)
    assert second.returncode == 0, errors
    assert acknowledged(output)[0][0] >= told[-1][0]
    assert stored(root)[-1] == acknowledged(output)[-1]
    assert all(check.verdict in ("ok", "unknown") for check in verify(root))


def test_an_engine_that_waits_no_longer_than_a_stopped_one_holds_the_lock(tmp_path: Path) -> None:
    """A stopped process (^Z) still holds its run; nobody else may write, and nothing is lost once it goes on."""
    root = new_record(tmp_path)
    first = working(root)
    first.send_signal(signal.SIGSTOP)
    refused = start(root, "--units", "1")
    _, errors = refused.communicate(timeout=240)
    assert refused.returncode == 1
    assert REFUSED.fullmatch(errors)
    before = len(stored(root))
    first.send_signal(signal.SIGCONT)
    for _ in range(3):  # a unit is told of once it is recorded, and before the next one is
        known = len(stored(root))
        while len(stored(root)) == known:
            assert first.poll() is None
            time.sleep(0.01)
    first.kill()
    told = acknowledged(first.communicate()[0])
    assert told[-1][0] > before
    assert set(told) <= set(stored(root))


def test_the_program_itself_is_refused_while_a_run_is_worked_on(tmp_path: Path) -> None:
    root = new_record(tmp_path)
    first = working(root)
    try:
        ended = dempo("resume", root)
    finally:
        first.kill()
        first.communicate()
    assert ended.returncode == 1
    found = REFUSED.search(ended.stderr)
    assert found is not None, ended.stderr
    assert int(found[1]) == first.pid
    assert Reader(root).engine_pid() is None


def test_readers_that_look_at_the_lock_keep_no_engine_out(tmp_path: Path) -> None:
    root = new_record(tmp_path)
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib\n"
            "from core.run_folder import RunFolder\n"
            "from storage.record.reader import lock_is_held\n"
            "print('looking', flush=True)\n"
            "while True: lock_is_held(RunFolder(pathlib.Path(sys.argv[1])))",
            str(root),
        ],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(HERE.parent)},
    )
    try:
        assert looking.stdout is not None
        looking.stdout.readline()
        for _ in range(20):
            Log.open(RunFolder(root)).close()
    finally:
        looking.kill()
        looking.communicate()
