"""The Pythons that are here, for the two files that travel: those on PATH, and those that pyenv keeps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

OWED = (9, 10, 11, 12, 13)
"""Python 3.x that verify.py and chain.py run on."""


@cache
def python(minor: int) -> str | None:
    """An interpreter of Python 3.x; None where there is none."""
    if minor == sys.version_info[1]:
        return sys.executable
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [shutil.which(f"python3.{minor}"), *map(str, versions.glob(f"3.{minor}.*/bin/python3"))]
    return next((place for place in found if place and works(place)), None)


def works(place: str) -> bool:
    """Whether it starts; pyenv leaves names on PATH that lead nowhere."""
    return subprocess.run([place, "-I", "-c", "import sqlite3"], capture_output=True, check=False).returncode == 0
