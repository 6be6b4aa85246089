"""Signals that ask for the end. One that is ignored (`nohup`, a job in the background of a script) stays ignored."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


def heeded(number: int) -> bool:
    """Whether whoever started this process left the signal to it."""
    return signal.getsignal(number) is not signal.SIG_IGN


@contextmanager
def handled(handler: Handler, *numbers: int) -> Iterator[None]:
    """Calls `handler` for those of the signals that are heeded, until the block ends."""
    before = {number: signal.getsignal(number) for number in numbers if heeded(number)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
