"""When each request may be sent, so that the limits that are configured for an endpoint are kept.

Requests go at equal distances, 60/`requests_per_minute` seconds, not in bursts: many servers count by the second. Of
tokens nobody knows beforehand how many a request takes. So each is charged what those before took on average, and what
is wrong about that is put right when its reply comes. The first goes alone, so the second knows.

Arithmetic alone, on moments in seconds; whoever uses it holds a lock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What an endpoint bears; None where nobody says so. `concurrency` is the number of requests in flight."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None

    def and_also(self, other: Limits) -> Limits:
        """The lesser of each: what keeps to both."""
        return Limits(
            _least(self.requests_per_minute, other.requests_per_minute),
            _least(self.tokens_per_minute, other.tokens_per_minute),
            _least(self.concurrency, other.concurrency),
        )


def _least(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value is not None), default=None)


class Turns:
    """The moments at which requests are due, in the order in which they ask for one."""

    def __init__(self, limits: Limits) -> None:
        self._apart = _seconds_each(limits.requests_per_minute)
        self._per_token = _seconds_each(limits.tokens_per_minute)
        self._request_due = -math.inf
        self._tokens_due = -math.inf
        self._replies = 0
        self._tokens = 0

    def take(self, now: float) -> tuple[float, float]:
        """The moment at which the next request is due, `now` or later, and the tokens that it is charged."""
        due = max(now, self._request_due, self._tokens_due)
        charged = self._tokens / self._replies if self._replies else 0.0
        self._request_due = due + self._apart
        self._tokens_due = max(now, self._tokens_due) + charged * self._per_token
        return due, charged

    def refund(self, charged: float) -> None:
        """A request that was charged this is not sent at its turn."""
        self._tokens_due -= charged * self._per_token

    def settle(self, now: float, charged: float, tokens: int) -> None:
        """Puts right what a request was charged, now that its reply says how many tokens it took."""
        self._replies += 1
        self._tokens += tokens
        self._tokens_due = max(now, self._tokens_due) + (tokens - charged) * self._per_token


def _seconds_each(per_minute: int | None) -> float:
    return 60 / per_minute if per_minute else 0.0
