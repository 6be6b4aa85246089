"""Where a bundle is written: its name without one, and what cannot be overwritten or made."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import InputError


def default_target(root: Path, redact: bool) -> Path:
    """`<run id>.zip` in the current folder."""
    return Path(os.curdir) / f"{root.resolve().name}{'-redacted' if redact else ''}.zip"


def check_target(target: Path, force: bool) -> None:
    """Refuses a target that would be overwritten or cannot be made.

    Raises:
        InputError: with what to do.
    """
    folder = target.absolute().parent
    if not os.path.isdir(folder):
        raise InputError(f"the folder {folder} does not exist; make it, or name another one with --to")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} cannot be written; name a file in another one with --to")
    if target.is_dir():
        raise InputError(f"{target} is a folder; name a file, for example {target / 'run.zip'}")
    if target.exists() and not force:
        raise InputError(f"{target} exists; give --force to replace it, or another name with --to")
