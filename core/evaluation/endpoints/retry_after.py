"""How long an endpoint asks to wait.

`retry-after-ms` and `Retry-After` (seconds, or a date of HTTP) are read, and of the headers that a router quotes
`X-RateLimit-Reset`, a moment in milliseconds since 1970: elsewhere it means many things. A wait of nothing is
no wait: 0, a moment that is past and what cannot be read say nothing, so that whoever asks again waits as long as
without a word.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping


def wait_asked(headers: Mapping[str, str], reset: bool = False) -> float | None:
    """Seconds, more than 0; None where the headers, whose names are in small letters, ask for none.

    Args:
        reset: `x-ratelimit-reset` is read as well.
    """
    ways = [(_milliseconds, "retry-after-ms"), (_seconds, "retry-after"), (_until_date, "retry-after")]
    for read, name in [*ways, (_until_moment, "x-ratelimit-reset")] if reset else ways:
        try:
            seconds = read(headers[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    return None


def _milliseconds(text: str) -> float:
    return float(text) / 1000


def _seconds(text: str) -> float:
    return float(text)


def _until_date(text: str) -> float:
    date = email.utils.parsedate_tz(text)
    if date is None:
        raise ValueError("no date")
    return email.utils.mktime_tz(date) - time.time()


def _until_moment(text: str) -> float:
    return float(text) / 1000 - time.time()
