"""Calls to endpoints several at a time: worked on by threads, begun and recorded by the main thread alone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from core.errors import JudgeError
from core.stage import Context, Unit


class Keyed(Protocol):
    """A task that is one unit."""

    @property
    def key(self) -> str:
        """Key of the unit."""
        ...


T = TypeVar("T", bound=Keyed)
R = TypeVar("R")

_PATIENCE = 0.2
"""Seconds between two looks at the operator's request to stop."""


def run_concurrently(
    ctx: Context,
    tasks: Sequence[T],
    work: Callable[[T, threading.Event], R],
    finished: Callable[[T, Unit, R], None],
    width: Callable[[], int],
    most: int,
    meanwhile: Callable[[], None] = lambda: None,
    room: Callable[[T, bool], bool] = lambda task, alone: True,
) -> None:
    """Works through `tasks`, at most `width()` (≤ `most`) at a time; `finished` records each as it ends.

    Before a task is begun `room` is asked whether it may begin beside those in flight, or alone; where it may not, it
    waits for one of them to end.

    While calls are waited for, `meanwhile` is called some times a second: it can tell people what is going on.

    Where the stage has to end early (the operator's request, a signal, an endpoint that cannot be used, a defect in
    one call), nothing new is begun, waits between attempts end at once, and results of calls still in flight, which
    have been paid for, are recorded before the reason is raised. None is waited for longer than its deadline.
    """
    stop = threading.Event()
    waiting = deque(tasks)
    running: dict[Future[R], tuple[T, Unit]] = {}
    ended: SimpleQueue[Future[R]] = SimpleQueue()
    with ThreadPoolExecutor(max_workers=most, thread_name_prefix="call") as pool:
        try:
            while waiting or running:
                ctx.check_stop()
                meanwhile()
                while waiting and len(running) < width() and room(waiting[0], not running):
                    task = waiting.popleft()
                    future = pool.submit(work, task, stop)
                    running[future] = (task, ctx.begin(task.key))
                    future.add_done_callback(ended.put)
                # One at a time: its place is filled before the next is recorded, however many end together.
                try:
                    future = ended.get(timeout=_PATIENCE)
                except Empty:
                    continue
                task, unit = running.pop(future)
                finished(task, unit, future.result())
        except BaseException:
            stop.set()
            _record_paid_calls(running, finished)
            raise


def _record_paid_calls(running: dict[Future[R], tuple[T, Unit]], finished: Callable[[T, Unit, R], None]) -> None:
    wait(running)
    for future, (task, unit) in running.items():
        if future.exception() is None:
            with suppress(JudgeError):  # one more reason to end; the first is being raised already
                finished(task, unit, future.result())
