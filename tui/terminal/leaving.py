"""The terminal that the app runs in: as it was before, whatever ends the app; and the app ends where it is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable

from core.signals import heeded

_LOOK = 1.0
"""Seconds between two looks whether the terminal is still there."""


def end_on_signals(end: Callable[[int], object]) -> None:
    """Calls `end` with the exit code where a signal asks for the end.

    Without this the process dies at once, and the shell is left with the app's screen, mouse reports and no cursor.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if heeded(number):
            loop.add_signal_handler(number, end, 128 + number)


def end_without(descriptor: int, before: Callable[[], object]) -> None:
    """Ends this process once the terminal of a descriptor is gone, and calls `before` first.

    Reading from it would take all of a core, for ever, and writing to it blocks: so this is a thread that needs
    neither, and ends the process as SIGHUP would.
    """

    def look() -> None:
        while os.isatty(descriptor):
            time.sleep(_LOOK)
        before()
        os._exit(128 + signal.SIGHUP)

    threading.Thread(target=look, name="terminal", daemon=True).start()
