"""Copies outside the terminal's own clipboard: a buffer of tmux, and a file that is always there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tui.user_folders import owners_file, state_folder

_PATIENCE = 2.0
"""Seconds until tmux has to have taken a text."""


def keep_copy(text: str) -> Path | None:
    """Writes what was copied to a file that only its owner may read; None where no file can be written."""
    path = state_folder() / "copied.txt"
    try:
        descriptor = owners_file(path, os.O_TRUNC)
    except OSError:
        return None
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass", newline="") as stream:
        stream.write(text)
    return path


def give_to_tmux(text: str) -> bool:
    """Makes it tmux's newest buffer, which tmux hands on to the terminal's clipboard; False where there is no tmux.

    Inside tmux a terminal's own sequence goes no further unless `set-clipboard` is on.
    """
    if not os.environ.get("TMUX"):
        return False
    return any(_loaded(text, *hand_on) for hand_on in (("-w",), ()))  # before 3.2 there is no -w


def _loaded(text: str, *options: str) -> bool:
    try:
        done = subprocess.run(
            ["tmux", "load-buffer", *options, "-"],
            input=text.encode("utf-8", "surrogatepass"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
