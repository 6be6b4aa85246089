"""Several searches for compositions side by side, with results that do not depend on cores or timing.

HiGHS lets other Python threads run while it solves, so threads are enough. There are always
`SEARCHERS` searches, each with solvers and random numbers of its own, and item i of a list of work
goes to search i mod SEARCHERS, whichever thread runs it and however many there are: every search sees
the same questions in the same order on any machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.facts.randomness import RandomStream
from core.sortition.leximin.nearby import NearbyCompositions, noise
from core.sortition.panels import Composition
from core.sortition.quotas.problem import PanelProblem

R = TypeVar("R")

SEARCHERS = 4
"""Part of the algorithm, not of the machine: another number gives another lottery of the same π."""

TICK = 0.25
"""Seconds between two looks at the caller (progress, request to stop) while the searches run."""


class Threads:
    """A context that runs tasks on threads; on the way out, also by an exception, none is left running."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._ending = threading.Event()
        self._pool = ThreadPoolExecutor(min(SEARCHERS, os.cpu_count() or 1))

    def __enter__(self) -> Threads:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def ending(self) -> bool:
        """Whether a task should end early, because nobody waits for its result any more."""
        return self._ending.is_set()

    def run(self, tasks: Sequence[Callable[[], R]]) -> list[R]:
        """The tasks' results, in the order of the tasks. What the tick or a task raises is raised here."""
        if len(tasks) == 1:
            return [tasks[0]()]
        futures = [self._pool.submit(task) for task in tasks]
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, TICK, FIRST_EXCEPTION)
            if any(future.exception() is not None for future in done):
                break
            if waiting:
                self._tick()
        return [future.result() for future in futures]


class Searchers:
    """`SEARCHERS` searches near x*, fresh: what they find depends on target and stream alone."""

    def __init__(
        self, threads: Threads, problem: PanelProblem, target: NDArray[np.float64], stream: RandomStream
    ) -> None:
        self._threads = threads
        self._searches = [NearbyCompositions(problem, target, stream.child(str(s))) for s in range(SEARCHERS)]

    def find(self, weights: Sequence[NDArray[np.float64]]) -> list[Composition | None]:
        """For each weight vector a composition of large weight, or None; in the order of the weights."""

        def share(s: int) -> list[Composition | None]:
            return [None if self._threads.ending else self._searches[s].find(w) for w in weights[s::SEARCHERS]]

        shares = self._threads.run([lambda s=s: share(s) for s in range(min(SEARCHERS, len(weights)))])  # type: ignore[misc]
        return [shares[i % SEARCHERS][i // SEARCHERS] for i in range(len(weights))]

    def herd(self, count: int, short: NDArray[np.float64]) -> list[Composition]:
        """Compositions whose sum is about count·x* + short: in each search, one after another maximises what its
        predecessors left short. Fewer than `count` where a search finds nothing.
        """
        beginning = short / min(SEARCHERS, count)

        def share(s: int) -> list[Composition]:
            search, found = self._searches[s], []
            short = beginning.copy()
            for _ in range(len(range(s, count, SEARCHERS))):
                short += search.target
                panel = None if self._threads.ending else search.find(short + 1e-3 * noise(search.stream, len(short)))
                if panel is None:
                    break
                found.append(panel)
                short -= np.array(panel)
            return found

        shares = self._threads.run([lambda s=s: share(s) for s in range(min(SEARCHERS, count))])  # type: ignore[misc]
        return [panel for found in shares for panel in found]
