"""How much of a slow claim is tried: a slice in `make test-long`, all of it in `make night`.

Where a claim is over many cases, the slice is another one every day; the head of pytest's output names it, and
`DEMPO_TEST_DATE=2026-11-26` tries the cases of that day again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import date

NIGHT = bool(os.environ.get("DEMPO_NIGHT"))
TODAY = os.environ.setdefault("DEMPO_TEST_DATE", date.today().isoformat())
"""Set here for the processes that pytest-xdist starts, which must find the same tests, also at midnight."""


def size(slice_: int, whole: int) -> int:
    """How many cases are tried."""
    return whole if NIGHT else slice_


def of_the_day(whole: Sequence[int], count: int) -> list[int]:
    """`count` of the cases in their order, others every day; all of them at night."""
    return list(whole) if NIGHT else sorted(random.Random(TODAY).sample(whole, count))
