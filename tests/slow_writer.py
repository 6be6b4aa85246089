"""A run that grows before one's eyes: the real writer records steps of training or judge calls, so many a second.

python slow_writer.py RUNS STAGE     STAGE is train or judge; it goes on until its standard input ends
"""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import sample_run  # noqa: E402

from core.run_folder import RunFolder  # noqa: E402
from storage.record.log import Log  # noqa: E402

A_SECOND = 20
"""Events."""

_STEPS, _QUESTIONS = 6_000, 1_000
"""More than anybody waits for: optimizer steps of a condition, and questions, of which each has three calls."""

_BEGUN = "begun"


@contextmanager
def growing(runs: Path, stage: str) -> Iterator[Path]:
    """The folder of a run that a process of its own works on."""
    argv = [sys.executable, __file__, str(runs), stage]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            name = writer.stdout.readline().removeprefix(_BEGUN).strip()
            assert name, "the writer says why"
            yield runs / name
        finally:
            writer.communicate()  # which ends its input


def main(runs: Path, stage: str) -> None:
    """Writes a run up to this stage, and then this stage slowly."""
    questions = tuple((f"c{clause}-q{number}", clause) for clause in (1, 2) for number in range(_QUESTIONS // 2))
    config = sample_run.CONFIG.replace("steps = 30", f"steps = {_STEPS}")
    with (
        patch.object(sample_run, "QUESTIONS", questions),
        patch.object(sample_run, "STEPS", _STEPS),
        patch.object(sample_run, "CONFIG", config),
        patch.dict(sample_run._STAGES, {} if stage == "train" else {"train": _no_training}),
    ):
        root = sample_run.make_sample_run(runs, stop_before=stage)
        with Log.open(RunFolder(root)) as log:
            log.record("run", [sample_run.started(resumed=True)])
            print(_BEGUN, root.name, flush=True)
            _slowly(log, root, stage)


def _no_training(ctx: Any, _: int) -> None:
    ctx.plan(0)


def _slowly(log: Log, root: Path, stage: str) -> None:
    """Every event is followed by a rest; training notes its progress as the trainer does."""
    train_step, judge_call = sample_run.train_step, sample_run.judge_call
    pace, done = _pace(), [0]

    def step(condition: str, number: int) -> Any:
        pace()
        done[0] += 1
        log.progress("train", done[0], 3 * _STEPS, f"{condition}: step {number} of {_STEPS}", 60.0)
        return train_step(condition, number)

    def call(*arguments: Any) -> Any:
        pace()
        done[0] += 1
        log.progress("judge", done[0], 3 * _QUESTIONS, "citizens", 60.0)
        return judge_call(*arguments)

    with patch.object(sample_run, "train_step", step), patch.object(sample_run, "judge_call", call):
        sample_run.write_stage(log, root, stage)


def _pace() -> Callable[[], None]:
    """A rest until the next event is due, or the end of this process where nobody waits any more."""
    begun, count = time.monotonic(), 0

    def rest() -> None:
        nonlocal count
        count += 1
        left = max(0.0, begun + count / A_SECOND - time.monotonic())
        if select.select([sys.stdin], [], [], left)[0]:
            raise SystemExit(0)

    return rest


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
