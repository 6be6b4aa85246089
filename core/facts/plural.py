"""A number with its noun."""

from __future__ import annotations


def number_of(number: int, one: str, many: str | None = None) -> str:
    """ "1 panel", "2 panels"; `many` where an s at the end does not make the plural."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
