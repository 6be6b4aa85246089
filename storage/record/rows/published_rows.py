"""Rows about published artefacts, and their numbers beside the run's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storage.record.rows.typed import of_view


@of_view("published_artefacts")
@dataclass(frozen=True)
class ArtefactRow:
    """A file of published artefacts."""

    what: Any
    name: Any
    rows: Any
    bytes: Any
    sha256: Any
    origin: Any
    answers_differ: Any


@of_view("published")
@dataclass(frozen=True)
class PublishedRow:
    """A published number beside the run's own."""

    file: Any
    method: Any
    measure: Any
    condition: Any
    other: Any
    published: Any
    recomputed: Any
    difference: Any
    low: Any
    high: Any
    verdict: Any
    reason: Any
