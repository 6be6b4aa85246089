"""How long a piece of work takes when nothing gets in its way."""

from __future__ import annotations

import time
from collections.abc import Callable


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of three times."""

    def seconds() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(seconds() for _ in range(3))
