"""The note beside a record about what its engine is at; it is no part of the record."""

from __future__ import annotations

import json
from pathlib import Path

from storage.record.codec import now


def write_progress(path: Path, stage: str, done: float, total: float, detail: str) -> None:
    """Replaces the progress note; a reader sees the old or the new one, never half of one."""
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps({"stage": stage, "done": done, "total": total, "detail": detail, "at": now()}))
    temporary.replace(path)
