"""How many requests an endpoint gets at once: what it bears is found out, and what it asks for is kept to.

- The first request goes alone. Every success lets one more in, until the endpoint pushes back for the first time;
  from then on one more for as many successes as fit in at once, up to `most`.
- A limit (429 and the like), an endpoint that is too busy, a time-out or a lost connection halves the number, to 1 at
  least. What was sent before the last halving says nothing about the smaller number, so it does not halve again: once
  per round trip.
- A limit also pauses the endpoint, so every call: as long as it asks for, or else 1, 2, 4, … 30 s, more with each
  limit until a request succeeds.
- An endpoint that answers nothing but limits is waited for until `patience` is over, which begins with the first of
  them; one that asks for a longer wait than that has used it up.

Threads share it. Requests are told apart by a ticket, the number of halvings before they were sent.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Literal

Came = Literal["success", "limit", "busy", "other"]
"""What came of a request, as far as the pace goes by it."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds, where the endpoint does not say how long."""

_LOOK = 0.2
"""Seconds between two looks for a stop while all places are taken."""


class Clock:
    """Time that passes by itself."""

    def now(self) -> float:
        """A moment, in seconds."""
        return time.monotonic()

    def wait(self, until: float, stop: threading.Event) -> None:
        """Waits until a moment, or until `stop` is set; it may end early."""
        stop.wait(min(max(0.0, until - self.now()), 60.0))


class Pace:
    """The pace of one endpoint, in one stage; `patience` is in seconds.

    `exhausted` once the endpoint was waited for long enough, or asked for more than is left.
    """

    def __init__(self, most: int, patience: float, clock: Clock | None = None) -> None:
        self.most = most
        self.patience = patience
        self.at_once = 1
        self._clock = clock or Clock()
        self._changed = threading.Condition()
        self._inside = 0
        self._halvings = 0
        self._successes = 0
        self._limits = 0
        self._resumes = -math.inf
        self._gives_up = math.inf
        self.exhausted = False

    def enter(self, stop: threading.Event) -> int | None:
        """The ticket of a request that may be sent now, after waiting for it; None where `stop` is set."""
        while not stop.is_set():
            with self._changed:
                resumes = self._resumes
                if self._clock.now() >= resumes:
                    if self._inside < self.at_once:
                        self._inside += 1
                        return self._halvings
                    self._changed.wait(_LOOK)
                    continue
            self._clock.wait(resumes, stop)
        return None

    def leave(self, ticket: int, came: Came, wait: float | None = None) -> None:
        """Notes what came of a request; `wait` is how many seconds the endpoint asks for."""
        with self._changed:
            self._inside -= 1
            fresh = ticket == self._halvings
            if came == "success":
                self._grow()
                self._limits = 0
            if came == "limit":
                self._pause(wait, fresh)
            elif came != "busy":
                self._gives_up = math.inf
            if came in ("limit", "busy") and fresh:
                self.at_once = max(1, self.at_once // 2)
                self._halvings += 1
                self._successes = 0
            self._changed.notify_all()

    def told(self) -> str:
        """What people should know while the endpoint limits calls; "" while it does not."""
        with self._changed:
            left = math.ceil(self._resumes - self._clock.now()) if self._resumes > -math.inf else 0
            if left <= 0 and self._gives_up == math.inf:
                return ""
            waiting = f"waiting {left} s, " if left > 0 else ""
            return f"rate limited, {waiting}{self.at_once} of {self.most} at once"

    def _grow(self) -> None:
        self._successes += 1
        if self._halvings == 0 or self._successes >= self.at_once:
            self.at_once = min(self.most, self.at_once + 1)
            self._successes = 0

    def _pause(self, wait: float | None, fresh: bool) -> None:
        now = self._clock.now()
        if self._gives_up == math.inf:
            self._gives_up = now + self.patience
        if wait is not None:
            self._resumes = max(self._resumes, now + wait)
        elif fresh:
            # The last try comes when patience ends, not after it.
            own = now + min(_SHORTEST_PAUSE * 2**self._limits, _LONGEST_PAUSE)
            self._resumes = max(self._resumes, min(own, self._gives_up))
        self.exhausted = self.exhausted or now >= self._gives_up or self._resumes > self._gives_up
        if fresh:
            self._limits = min(self._limits + 1, 10)
