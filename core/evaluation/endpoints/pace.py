"""How many requests an endpoint gets at once, and when: what it bears is found out, and what it asks for is kept to.

- The first request goes alone. Every success lets one more in, until the endpoint pushes back for the first time;
  from then on one more for as many successes as fit in at once, up to `most`.
- A limit (429 and the like), an endpoint that is too busy, a time-out or a lost connection halves the number, to 1 at
  least. What was sent before the last halving says nothing about the smaller number, so it does not halve again: once
  per round trip.
- A limit also pauses the endpoint, so every call: as long as it asks for, or else 1, 2, 4, … 30 s, more with each
  limit until a request succeeds.
- Limits that are known beforehand (`turns`) are kept before the endpoint has to say so: a request that has a place
  waits for its turn. If the endpoint pushes back meanwhile, it gives both back and waits for others.
- An endpoint that answers nothing but limits is waited for until `patience` is over, which begins with the first of
  them; one that asks for a longer wait than that has used it up.

Threads share it, and all who are asked at one endpoint in a stage, one after the other: who comes next goes on from
what the endpoint bore (`begin`). Requests are told apart by a ticket.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Literal, NamedTuple

from core.evaluation.endpoints.turns import Limits, Turns

Came = Literal["success", "limit", "busy", "other"]
"""What came of a request, as far as the pace goes by it."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds, where the endpoint does not say how long."""

_LOOK = 0.2
"""Seconds between two looks for a stop while all places are taken."""


class Ticket(NamedTuple):
    """Of a request that is in flight: the number of halvings before it was sent, and the tokens that it was charged."""

    halvings: int
    charged: float


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

    def __init__(self, most: int, patience: float, clock: Clock | None = None, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self._bound = limits.concurrency or math.inf
        self.most = int(min(most, self._bound))
        self.patience = patience
        self.at_once = 1
        self._clock = clock or Clock()
        self._turns = Turns(limits)
        self._changed = threading.Condition()
        self._inside = 0
        self._halvings = 0
        self._successes = 0
        self._limits = 0
        self._resumes = -math.inf
        self._gives_up = math.inf
        self.exhausted = False

    def begin(self, most: int) -> None:
        """Who is asked there next wants at most so many requests in flight."""
        with self._changed:
            self.most = int(min(most, self._bound))
            self.at_once = min(self.at_once, self.most)

    def enter(self, stop: threading.Event) -> Ticket | None:
        """The ticket of a request that may be sent now, after waiting for it; None where `stop` is set."""
        while True:
            turn = self._place(stop)
            if turn is None:
                return None
            due, charged = turn
            while self._clock.now() < due and not stop.is_set():
                self._clock.wait(due, stop)
            with self._changed:
                held_up = self._clock.now() < self._resumes or self._inside > self.at_once
                if not stop.is_set() and not held_up:
                    return Ticket(self._halvings, charged)
                self._inside -= 1
                self._turns.refund(charged)
                self._changed.notify_all()

    def _place(self, stop: threading.Event) -> tuple[float, float] | None:
        """Takes a place and a turn, after waiting for them; None where `stop` is set."""
        while not stop.is_set():
            with self._changed:
                resumes = self._resumes
                if self._clock.now() >= resumes:
                    if self._inside < self.at_once:
                        self._inside += 1
                        return self._turns.take(self._clock.now())
                    self._changed.wait(_LOOK)
                    continue
            self._clock.wait(resumes, stop)
        return None

    def leave(self, ticket: Ticket, came: Came, wait: float | None = None, tokens: int | None = None) -> None:
        """Notes what came of a request.

        Args:
            wait: how many seconds the endpoint asks for.
            tokens: how many the request and its reply took.
        """
        with self._changed:
            self._inside -= 1
            if tokens is not None:
                self._turns.settle(self._clock.now(), ticket.charged, tokens)
            fresh = ticket.halvings == self._halvings
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
