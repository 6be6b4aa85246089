"""How much work something is, in CPU seconds, so that what else the machine does counts little.

Machines differ by a factor, so bounds are several times what was measured: they find work that grows with the square
of a record, and nothing finer. Speed itself is measured by `make bench`.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def fastest(work: Callable[[], object]) -> float:
    """CPU seconds of this process, the fewest of three times."""

    def seconds() -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    return min(seconds() for _ in range(3))
