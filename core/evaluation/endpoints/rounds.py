"""Calls to one model at an endpoint: each is asked, and what failed once more after all others.

A call that failed is no result: it is recorded at once, as an attempt without texts. Where it fails the second time as
well, its stage cannot be completed, and a run that is resumed asks it again; only one that is given up ends its unit. A
call that got a reply is never asked again.

An endpoint that cannot be used at all stops the stage at once: a rejected key, an unknown model, `FIRST_FAILURES`
failures before anything succeeded, or a row of outages later on.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from core.errors import JudgeError
from core.evaluation.calls import Keyed, run_concurrently
from core.evaluation.endpoints.completions import Completions, Reply
from core.evaluation.endpoints.dialect import Request
from core.events import Event
from core.facts.plural import number_of
from core.stage import Context, Unit

FIRST_FAILURES = 3

GIVEN_UP = 20
"""Failures in a row after which an endpoint is taken for one that is down, where calls are given up."""

T = TypeVar("T", bound=Keyed)


class Rounds(ABC, Generic[T]):
    """The calls of one who is asked: what is asked, what came back, and how the endpoint is doing.

    `who` names it in sentences, `label` in notes, `place` is what the configuration calls the endpoint. `done` of
    its calls got a reply; `before`: some of them in an earlier engine.
    """

    def __init__(
        self, ctx: Context, completions: Completions, who: str, label: str, place: str | None, done: int, before: bool
    ) -> None:
        self.ctx = ctx
        self.completions = completions
        self.who = who
        self.label = label
        self.place = place
        self.done = done
        self.before = before
        self.failed: list[T] = []
        self._outages = 0
        self._last_failure = ""
        self._gives_up = False
        self._last_round = False

    @abstractmethod
    def request(self, task: T) -> Request:
        """What a call asks."""

    @abstractmethod
    def event(self, task: T, unit: Unit | None, request: Request, reply: Reply) -> Event:
        """The record of a call; without a unit, texts are left out."""

    @abstractmethod
    def report(self, detail: str) -> None:
        """Tells people how far it is, and what came last."""

    def room(self, task: T, alone: bool) -> bool:
        """Whether a call may begin beside those in flight; alone: there are none."""
        return True

    def settled(self, task: T, unit: Unit, request: Request) -> None:
        """Called once a call is recorded."""

    def advice(self) -> str:
        """What else can be done about calls that fail, to be added to a sentence."""
        return ""

    def complete(self, tasks: Sequence[T], give_up: bool = False) -> str:
        """Makes the calls.

        Args:
            give_up: what fails twice is recorded as the end of its unit.

        Returns:
            A sentence about the calls that failed twice; "" where none did, or they were given up.

        Raises:
            JudgeError: the endpoint cannot be used; results so far are recorded.
            Stopped: the operator asked for it.
        """
        self._gives_up = give_up
        try:
            self._round(tasks)
            if self.failed:
                self._last_round = give_up
                self._round(self.failed)
        finally:
            self.completions.close()
        if not self.failed:
            return ""
        calls, name = number_of(len(self.failed), "call"), self.completions.endpoint.name
        return f"{calls} of {self.who} at {name} failed, the last with: {self._last_failure}"

    def _round(self, tasks: Sequence[T]) -> None:
        """Makes every call once; afterwards `failed` are those that got no reply."""
        self.failed, self._outages = [], 0
        run_concurrently(
            self.ctx,
            tasks,
            self._ask,
            self._record,
            width=lambda: self.completions.width,
            most=self.completions.concurrency,
            meanwhile=self._tell,
            room=self.room,
        )

    def _ask(self, task: T, stop: threading.Event) -> tuple[Request, Reply]:
        """Runs in a thread of its own and records nothing."""
        request = self.request(task)
        return request, self.completions.complete(request, stop)

    def _tell(self) -> None:
        """Says while the endpoint limits calls that it does: nothing else moves then."""
        told = self.completions.held_back(self.place)
        if told:
            self.report(told)

    def _record(self, task: T, unit: Unit, came: tuple[Request, Reply]) -> None:
        """Records what came of a call and stops the stage where the endpoint is of no use."""
        request, reply = came
        failed = reply.status == "failed"
        if failed:
            self._last_failure = reply.detail
        if failed and not self._last_round:
            unit.now(self.event(task, None, request, reply))
            self.failed.append(task)
        else:
            unit.add(self.event(task, unit, request, reply))
            unit.complete()
            self.done += 1
        self.settled(task, unit, request)
        self.report(f"{self.label}: {reply.status}")
        self._outages = self._outages + 1 if failed and self._counts(reply) else 0
        if self._outages >= self._limit():
            advice = self.advice() if self.completions.succeeded or self.before else ""
            raise JudgeError(
                f"{self.who} at {self.completions.endpoint.name} cannot be used: {self._outages} calls in a row "
                f"failed, the last with: {self._last_failure}; check that the endpoint is up and serves this model, "
                f"then resume (recorded calls are kept){advice}"
            )

    def _limit(self) -> int:
        """How many failures in a row stop the stage. Where calls are given up those that are left may all be such."""
        later = max(FIRST_FAILURES, 2 * self.completions.concurrency)
        if self._gives_up and (self.completions.succeeded or self.before):
            return max(GIVEN_UP, later)
        return later if self.completions.succeeded else FIRST_FAILURES

    def _counts(self, reply: Reply) -> bool:
        """Whether a failure speaks against the endpoint: a rejected request does so only until one was accepted."""
        return reply.outage or not (self.completions.succeeded or self.before)
