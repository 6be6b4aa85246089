"""A job: a command line of dempo that the app runs as a child process, and what is known of it.

Nothing of it is done in the app, so keys never stall, and the command that is shown is the one that runs. A job ends
with the app: it is asked to end as Ctrl-C asks, so that it takes away what it has half written.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from core.program.place import import_path
from tui.terminal.command_line import RUNS_VARIABLE, command_line

_PATIENCE = 4.0
"""Seconds between asking a process to end and insisting."""

_MOST_LINES = 400
"""Of what a command says on standard error, the last."""

State = Literal["running", "completed", "failed", "stopped"]


@dataclass(frozen=True)
class Step:
    """A line that a command tells of its progress; verdict and seconds are those of a check that ended."""

    step: str
    done: float
    total: float
    detail: str = ""
    verdict: str = ""
    seconds: float = 0.0


@dataclass(eq=False)
class Job:
    """One command: `what` is its name, `root` the run that it is about.

    `leaves` says what becomes of what it writes if it is ended; empty for a command that writes nothing. `steps` are
    the checks that ended, `step` is what it is at, `answer` what it printed as JSON, `said` what it said besides.
    """

    what: str
    words: tuple[str, ...]
    runs: Path
    root: Path | None
    leaves: str = ""
    progress: bool = True
    stoppable: bool = True
    began: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    step: Step | None = None
    steps: list[Step] = field(default_factory=list)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    answer: Any = None
    code: int | None = None
    stopped: bool = False
    seen: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def command(self) -> str:
        """The command line, as a person would give it."""
        return command_line(*self.words, runs=self.runs)

    @property
    def state(self) -> State:
        if self.code is None:
            return "running"
        if self.code == 0:
            return "completed"
        return "stopped" if self.stopped else "failed"

    @property
    def told(self) -> list[str]:
        """Sentences on standard error; of a command that was cancelled, only those that it meant to say."""
        meant = [line for line in self.said if not self.stopped or line.startswith("dempo: ")]
        return [line.removeprefix("dempo: ") for line in meant]

    @property
    def passed(self) -> float:
        """Seconds that it took, or has taken so far."""
        return time.monotonic() - self.began if self.seconds is None else self.seconds

    @property
    def _for_programs(self) -> tuple[str, ...]:
        """What stands behind the command that is shown: that it answers to a program, and says how far it is."""
        return ("--json", *(("--progress",) if self.progress else ()))

    def start(self, told: Callable[[Job], object]) -> None:
        """Starts it in a thread, which calls `told` with every step, and when it has ended."""
        threading.Thread(target=self._follow, args=(told,), name=f"job {self.what}", daemon=True).start()

    def end(self) -> None:
        """Asks the process to end, insists, and returns when it is gone. One that may not be stopped is waited for."""
        if self._over.is_set():
            return
        self.stopped = self.stoppable
        if not self.stoppable and self._over.wait(5 * _PATIENCE):
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = self._process
            if process is not None and process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            if self._over.wait(_PATIENCE):
                return

    def _follow(self, told: Callable[[Job], object]) -> None:
        code = 1
        try:
            with tempfile.TemporaryFile() as out:
                code = self._run(out, told)
                out.seek(0)
                with suppress(ValueError):
                    self.answer = json.load(out)
        except OSError as error:
            self.said.append(f"dempo: the command cannot be started: {error.strerror or error}")
        finally:
            self.seconds = time.monotonic() - self.began
            self.code = code  # the last: whoever sees it takes the rest as it is
            self._over.set()
            told(self)

    def _run(self, out: IO[bytes], told: Callable[[Job], object]) -> int:
        if self.stopped:
            return 128 + signal.SIGINT
        self._process = process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui", *self.words, *self._for_programs],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            process_group=0,
            env=os.environ | {"PYTHONPATH": import_path(), RUNS_VARIABLE: str(self.runs), "PYTHONIOENCODING": "utf-8"},
        )
        if self.stopped:  # meanwhile
            os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self._heard(line.decode("utf-8", "replace").rstrip("\n"))
                told(self)
        return process.wait()

    def _heard(self, line: str) -> None:
        step = _step_of(line)
        if step is None:
            self.said.append(line)
            return
        self.step = step
        if step.verdict:
            self.steps.append(step)


def _step_of(line: str) -> Step | None:
    if not line.startswith('{"step": '):
        return None
    try:
        return Step(**json.loads(line))
    except (ValueError, TypeError):
        return None


def named(root: Path, runs: Path) -> str:
    """A run as a command line names it: by its id, or by its folder where that could be taken for something else."""
    return root.name if root.parent == runs and not root.name.startswith("-") else str(root)
