"""What is left of a defect: where it happened, without the values that it happened to.

Locals and messages of exceptions may hold tokens, prompts and answers, so neither is kept; a
`DempoError` is a sentence written for people and is.
"""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from core.errors import DempoError
from tui.user_folders import owners_file, state_folder


def redacted(error: BaseException) -> str:
    """Types and places of an error and of what caused it, the first cause first; no message, no value."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__ or getattr(current, "error", None)
    parts = []
    for cause in reversed(chain):
        frames = traceback.extract_tb(cause.__traceback__)
        places = [f"  {frame.filename}:{frame.lineno} in {frame.name}\n    {frame.line}" for frame in frames]
        told = f": {cause}" if isinstance(cause, DempoError) else " (its message is left out)"
        parts.append("\n".join([*places, f"{type(cause).__module__}.{type(cause).__qualname__}{told}"]))
    return "\n\nwhich led to\n\n".join(parts)


def write_crash_file(error: BaseException) -> Path | None:
    """Keeps a redacted account for the owner alone; None where no folder can be written."""
    text = (
        f"dempo app, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, Python {platform.python_version()}, "
        f"{platform.system()}\nValues and messages are left out, since they may hold secrets.\n\n{redacted(error)}\n"
    )
    for folder in (state_folder(), Path(tempfile.gettempdir())):
        try:
            path = folder / f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
            descriptor = owners_file(path, os.O_EXCL)
        except OSError:
            continue  # the next folder may be writable; where none is, the sentence says so
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path
    return None
