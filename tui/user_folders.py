"""Where the app keeps what is the user's and no run's."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """Accounts of defects and what was copied; it may not exist."""
    given = os.environ.get("XDG_STATE_HOME")
    return (Path(given) if given else Path.home() / ".local" / "state") / "dempo"


def owners_file(path: Path, flags: int) -> int:
    """Opens a file that only its owner may read, and makes its folder; returns the descriptor.

    Raises:
        OSError: it cannot be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
