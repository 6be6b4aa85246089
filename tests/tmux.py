"""The app as an operator has it: in tmux, by keys alone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
PATIENCE = 120.0
"""Seconds until something that must come has to be there."""


class Tmux:
    """A server of its own, on a socket in a folder of its own, with one session."""

    def __init__(self, folder: Path, size: tuple[int, int] = (80, 24)) -> None:
        self._socket = folder / "tmux.sock"
        self._environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        self._size = size

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            env=self._environment | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            timeout=30,
        )
        return done.stdout

    def start(self, *arguments: str) -> None:
        """Opens the app in a new session."""
        columns, rows = map(str, self._size)
        self._tmux("new-session", "-d", "-x", columns, "-y", rows, "sh", "-c", _command(arguments))

    def start_again(self, *arguments: str) -> None:
        """Opens the app anew where one ended."""
        self._tmux("respawn-pane", "-k", "sh", "-c", _command(arguments))

    def press(self, *keys: str) -> None:
        """Keys as tmux calls them ("Enter", "Escape"); other words are typed."""
        for key in keys:
            self._tmux("send-keys", key)

    def shown(self) -> str:
        return self._tmux("capture-pane", "-p")

    def buffer(self) -> str:
        """What was copied last; "" where nothing was."""
        return self._tmux("show-buffer") if self._tmux("list-buffers") else ""

    def wait_for(self, *wanted: str, absent: str = "", patience: float = PATIENCE) -> str:
        """What is shown when all of this is.

        Raises:
            AssertionError: with what is shown instead.
        """
        end = time.monotonic() + patience
        while True:
            text = self.shown()
            if all(part in text for part in wanted) and not (absent and absent in text):
                return text
            assert time.monotonic() < end, f"missing one of {wanted}, or unwanted {absent!r}, in:\n{text}"
            time.sleep(0.2)

    def detach_and_return(self) -> None:
        """As after a connection that dropped: nobody looks, and then somebody does again."""
        self._tmux("resize-window", "-x", "100", "-y", "30")
        self._tmux("resize-window", "-x", str(self._size[0]), "-y", str(self._size[1]))

    def end(self) -> None:
        """Ends this server and what runs in it."""
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False, timeout=30)


def _command(arguments: Sequence[str]) -> str:
    app = shlex.join([sys.executable, "-m", "tui", *arguments])
    return f"cd {shlex.quote(str(CHECKOUT))} && {app}; echo ended with $?; sh"


@contextmanager
def tmux(folder: Path, size: tuple[int, int] = (80, 24)) -> Iterator[Tmux]:
    """A terminal multiplexer that ends with the test."""
    server = Tmux(folder, size)
    try:
        yield server
    finally:
        server.end()
