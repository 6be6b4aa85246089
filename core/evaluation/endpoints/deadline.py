"""A bound on a whole request: an HTTP client's own timeouts begin anew with every byte that arrives.

A reply that trickles, or the white space by which a gateway keeps a connection alive, would hold a call for ever.
So every wait of a connection (until it is open, written to or read from) gets at most what is left of the request's
time, and a reply has at most `MOST_BYTES`. A request is made by one thread from its beginning to its end, so what is
left belongs to the thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MOST_BYTES = 16 * 1024**2
"""Of a response, with its headers; a judge's reply has some kilobytes."""

_AT_ONCE = 64 * 1024
"""Bytes that are written between two looks at the clock."""


class TooLong(ValueError):
    """A response has more than `MOST_BYTES`."""


class Allowance(threading.local):
    """What the request that this thread makes may still take."""

    until: float = math.inf
    room: float = math.inf

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Inside, a request of this thread takes at most so long, however little of it arrives at a time."""
        self.until, self.room = time.monotonic() + seconds, MOST_BYTES
        try:
            yield
        finally:
            self.until, self.room = math.inf, math.inf

    def wait(self, timeout: float | None) -> float | None:
        """How long the next step may take, in seconds, if it would be given `timeout`.

        Raises:
            TimeoutError: nothing is left.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request's time is over")
        return timeout if timeout is not None and timeout < left else (left if math.isfinite(left) else None)

    def took(self, arrived: int) -> None:
        """Notes bytes that arrived.

        Raises:
            TooLong: they are more than a response may have.
        """
        self.room -= arrived
        if self.room < 0:
            raise TooLong(f"the response is longer than {MOST_BYTES} bytes")


def bound(http_client: Any, allowance: Allowance) -> None:
    """Makes every connection that a client of httpx (or httpx2) opens keep to the allowance of its thread, and every
    response to `MOST_BYTES`, also unpacked."""
    for transport in (http_client._transport, *http_client._mounts.values()):
        if transport is not None:
            # There is no public way to the sockets. Were these names others, this would fail when the client is made.
            transport._pool._network_backend = _Backend(transport._pool._network_backend, allowance)
    http_client.event_hooks["response"].append(_bound_unpacked)


def _bound_unpacked(response: Any) -> None:
    """Bounds what a response unpacks to: some kilobytes of gzip can hold gigabytes."""
    pieces = response.iter_bytes

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        room = MOST_BYTES
        for piece in pieces(chunk_size):
            room -= len(piece)
            if room < 0:
                raise TooLong(f"the response is longer than {MOST_BYTES} bytes")
            yield piece

    response.iter_bytes = iter_bytes


class _Backend:
    """Opens connections, as httpcore's network backends do."""

    def __init__(self, inner: Any, allowance: Allowance) -> None:
        self.inner = inner
        self.allowance = allowance

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **more: Any) -> _Stream:
        stream = self.inner.connect_tcp(host, port, timeout=self.allowance.wait(timeout), **more)
        return _Stream(stream, self.allowance)


class _Stream:
    """A connection, as httpcore's network streams are."""

    def __init__(self, inner: Any, allowance: Allowance) -> None:
        self.inner = inner
        self.allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self.inner.read(max_bytes, timeout=self.allowance.wait(timeout))
        self.allowance.took(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for begin in range(0, len(buffer), _AT_ONCE):
            self.inner.write(buffer[begin : begin + _AT_ONCE], timeout=self.allowance.wait(timeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        limit = self.allowance.wait(timeout)
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, timeout=limit), self.allowance)

    def close(self) -> None:
        self.inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)
