"""Running the checks of a stranger's record in a process of its own, which is ended where it takes too much."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import Unchecked, VerificationFailed
from core.program.place import import_path

SECONDS = 15 * 60
"""How long all checks of a record may take together; the largest runs of this program take one minute."""

MEMORY = 8 * 1024**3
"""Bytes of address space that they may take."""

_LOOK = 0.5
"""Seconds between two reports of progress."""

_GRACE = 60
"""Seconds of computing after which the process ends by itself, where this one was killed and cannot end it."""

_KILLED = {signal.SIGXCPU: "they took too much time", signal.SIGABRT: "they may have run out of memory"}


def examined(root: Path, runs: Path, told: Callable[[float], None]) -> dict[str, Any]:
    """What `storage.imports.examine` finds in an unpacked bundle; nothing goes on when this returns or raises.

    Args:
        told: called with the seconds that have passed, twice a second.

    Raises:
        VerificationFailed: the record is not good.
        Unchecked: it is newer than this program, or checking it took too much time or memory.
    """
    answer = _answer(_started(root, runs), told)
    if "unchecked" in answer:
        raise Unchecked(f"{answer['unchecked']}; nothing was imported")
    if "refused" in answer:
        raise VerificationFailed(f"{answer['refused']}; nothing was imported")
    return answer


def _started(root: Path, runs: Path) -> subprocess.Popen[bytes]:
    """-P: a file of the current folder, which a stranger may have filled, is never taken for a module."""
    limits = [str(MEMORY), str(SECONDS + _GRACE)]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "storage.imports.examine", str(root), str(runs), *limits],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": import_path(), "OPENBLAS_NUM_THREADS": "1"},
    )


def _answer(process: subprocess.Popen[bytes], told: Callable[[float], None]) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        while True:
            try:
                body, _ = process.communicate(timeout=_LOOK)
                break
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - begun
            if passed > SECONDS:
                raise Unchecked(
                    f"the checks of its record did not end within {SECONDS / 60:.3g} minutes; nothing was imported"
                )
            told(passed)
    except BaseException:
        _kill(process)
        raise
    try:
        answer: dict[str, Any] = json.loads(body)
    except ValueError:
        raise VerificationFailed(f"{_ended(process.returncode)}; nothing was imported") from None
    return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it has started (it leads a session of its own)."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _ended(code: int) -> str:
    if code >= 0:
        return f"the checks of its record ended without a word (exit code {code})"
    number = signal.Signals(-code)
    why = _KILLED.get(number, "the system may have had no memory left")
    return f"the checks of its record were ended by {number.name}: {why}"
