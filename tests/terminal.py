"""The app in a real terminal (a pty): what it writes is counted, and the terminal can be taken away."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
PATIENCE = 90.0
"""Seconds until something that must come has to be there, on a machine with much other work."""


class Terminal:
    """A process with a terminal of its own; `raw` is everything that it wrote."""

    def __init__(self, argv: Sequence[str], size: tuple[int, int], **variables: str) -> None:
        self.raw = b""
        columns, rows = size
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(CHECKOUT)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)  # where the tests themselves run under nohup
            known = {name: value for name, value in os.environ.items() if name not in ("SSH_TTY", "NO_COLOR")}
            os.execvpe(argv[0], list(argv), known | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables)
        self.code: int | None = None

    def read(self, seconds: float) -> int:
        """Takes what is written in this time; returns how many bytes that were."""
        before, end = len(self.raw), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.descriptor], [], [], left)[0]:
                break
            try:
                found = os.read(self.descriptor, 65_536)
            except OSError:
                break  # the process ended
            self.raw += found
        return len(self.raw) - before

    def wait_for(self, *wanted: str | re.Pattern[bytes], since: int = 0) -> None:
        """Reads until all of this was written.

        Raises:
            AssertionError: with the last of what was written instead.
        """
        end = time.monotonic() + PATIENCE
        patterns = [re.compile(re.escape(part.encode())) if isinstance(part, str) else part for part in wanted]
        while not all(pattern.search(self.raw, since) for pattern in patterns):
            assert time.monotonic() < end, f"missing one of {wanted} in {self.raw[-3000:]!r}"
            self.read(0.2)

    def rest(self, quiet: float = 1.5) -> None:
        """Reads until nothing was written for a while.

        Raises:
            AssertionError: it never rests.
        """
        end = time.monotonic() + PATIENCE
        while self.read(quiet):
            assert time.monotonic() < end, "it is painted again and again"

    def send(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def hang_up(self) -> None:
        """Takes the terminal away."""
        os.close(self.descriptor)
        self.descriptor = -1

    def ended(self) -> int:
        """Waits until the process has ended; its exit code, or the signal that killed it as a negative number.

        Raises:
            AssertionError: it goes on.
        """
        end = time.monotonic() + PATIENCE
        while self.code is None:
            assert time.monotonic() < end, "it goes on"
            if self.descriptor >= 0:
                self.read(0.05)
            else:
                time.sleep(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self.descriptor >= 0:
            os.close(self.descriptor)


@contextmanager
def dempo(
    *arguments: str | Path, size: tuple[int, int] = (80, 24), before: Sequence[str] = (), **variables: str
) -> Iterator[Terminal]:
    """The app in a terminal; `before` stands before its command."""
    terminal = Terminal([*before, sys.executable, "-m", "tui", *map(str, arguments)], size, **variables)
    try:
        yield terminal
    finally:
        terminal.close()
