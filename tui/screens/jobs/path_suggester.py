"""Completion of a path while it is typed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester


class PathSuggester(Suggester):
    """The first folder, or file of an ending, that begins with what is typed; → takes it. Folders are looked into in a
    thread: one may lie on a disk that does not answer."""

    def __init__(self, ending: str) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._ending = ending

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completed, value, self._ending)


def completed(typed: str, ending: str) -> str | None:
    """What is typed with the rest of the first name that fits; None where none does."""
    before, _, begun = typed.rpartition("/")
    before = f"{before}/" if "/" in typed else ""
    try:
        with os.scandir(Path(before or ".").expanduser()) as found:
            names = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in found
                if entry.name.startswith(begun) and (entry.is_dir() or entry.name.endswith(ending))
            )
    except OSError:
        return None
    shown = [name for name in names if name.isprintable() and (begun or not name.startswith("."))]
    return before + shown[0] if shown and typed else None
