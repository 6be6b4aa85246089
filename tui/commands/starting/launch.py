"""Starting a run from the app: the very command that is shown, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError


def launch(words: Sequence[str], runs: Path) -> Path:
    """Runs a `dempo` command that starts an engine and returns; the folder of the run that it made.

    It has a session of its own: a connection that drops while a world or a run is made ends neither.

    Raises:
        InputError: the command refused, with its sentence.
    """
    from core.program.place import import_path

    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tui", *words, "--json", "--runs-dir", str(runs)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            encoding="utf-8",
            errors="backslashreplace",
            env=os.environ | {"PYTHONPATH": import_path()},
            check=False,
        )
    except ValueError as error:
        raise InputError(f"this cannot be handed to a command: {error}") from error
    if done.returncode:
        raise InputError(_sentence(done.stderr) or f"the command ended with exit code {done.returncode}")
    try:
        return Path(json.loads(done.stdout)["path"])
    except (ValueError, LookupError, TypeError):
        raise InputError(f"the command said nothing of a run that it made: {done.stdout[-200:]!r}") from None


def _sentence(told: str) -> str:
    """Why the command refused: what it said last, without notes."""
    parts = [part.strip() for part in re.split(r"^dempo: ", told, flags=re.MULTILINE)]
    return next((part for part in reversed(parts) if part and not part.startswith("note: ")), "")
