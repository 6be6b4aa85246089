"""How far work on a lottery is, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[float, str], None]
"""Told how far the work is (0 to 1) and what it is doing, in words; may raise to stop it."""


def silent(done: float, detail: str) -> None:
    """Nobody waits."""
