"""Rows about a run's stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("stages")
@dataclass(frozen=True)
class StageRow:
    """A stage, and how far its units are."""

    stage: Any
    status: Any
    units: Any
    completed: Any
    seconds: Any
    replay: Any
    reason: Any
