"""A clock that only waiting moves: what happens between two waits takes no time, however slow the machine is."""

from __future__ import annotations

import threading


class JumpingClock:
    """In place of `core.evaluation.endpoints.pace.Clock`."""

    def __init__(self) -> None:
        self.moment = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.moment

    def wait(self, until: float, stop: threading.Event) -> None:
        with self._lock:
            self.moment = max(self.moment, until)
