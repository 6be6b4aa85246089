"""The process that works outlooks out: a line of JSON for each question, and one for each answer.

It loads what it needs once, stays for the next question, and ends with whoever asks: when its input does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tui.commands.starting.outlook import Outlook, look
from tui.commands.starting.source import RunSource

_PATIENCE = 5.0
"""Seconds after which a question that is no longer of interest is not waited for: a hub may take minutes."""


class OutlookProcess:
    """Asked by one thread at a time; `give_up` and `close` may come from another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._asked_at = 0.0
        self._closed = False

    def ask(self, source: RunSource, overrides: Sequence[str], until: str | None, runs: Path) -> Outlook | None:
        """The answer of the process; None where it was told to give up."""
        if self._closed:
            return None
        process = self._process = self._process or _begin()
        self._asked_at = time.monotonic()
        asked = {"source": [source.kind, source.name], "set": list(overrides), "until": until, "runs": str(runs)}
        try:
            assert process.stdin is not None, "it is a pipe"
            assert process.stdout is not None, "it is a pipe"
            print(json.dumps(asked), file=process.stdin, flush=True)
            answer = process.stdout.readline()
        except (OSError, ValueError):  # it ended, or its pipes were closed meanwhile
            answer = ""
        if answer:
            told = json.loads(answer)
            return Outlook(told["refused"], tuple(told["notes"]), tuple(told["rows"]))
        if self._process is not process:
            return None
        self._process = None
        process.kill()
        return Outlook(f"the check ended without an answer (exit code {process.wait()}); start again to repeat it")

    def give_up(self) -> None:
        """Ends a question that has been worked on for long already; the next one begins with a new process."""
        if self._process is not None and time.monotonic() - self._asked_at > _PATIENCE:
            self._end()

    def close(self) -> None:
        """Ends the process, whatever it is at."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def _begin() -> subprocess.Popen[str]:
    from core.program.place import import_path

    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tui.commands.starting.outlook_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": import_path(), "OPENBLAS_NUM_THREADS": "1"},
    )


def answer_questions() -> None:
    """Answers every line of the standard input; what libraries print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        outlook = look(RunSource(*asked["source"]), asked["set"], asked["until"], Path(asked["runs"]))
        told = {"refused": outlook.refused, "notes": outlook.notes, "rows": outlook.rows}
        print(json.dumps(told, default=str), file=answers, flush=True)


if __name__ == "__main__":
    answer_questions()
