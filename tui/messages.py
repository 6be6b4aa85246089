"""Messages that pass from the threads that read and act to the screens that show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from textual.message import Message

from storage.imports.origin import Origin
from storage.reader import Progress, RunSummary, Status

Shown = Status | Literal["stopping"]
"""The recorded status, or `stopping` where the engine has been asked to stop and is still at it."""


@dataclass(frozen=True)
class Pulse:
    """What may change without a new event: whether an engine is at work, and how far it says it is."""

    status: Shown
    pid: int | None
    progress: Progress | None
    simulated: bool
    seq: int
    head: str
    origin: str = ""
    """How somebody else's run came here: imported or unpacked; "" for a run that was made here."""


@dataclass
class RunsRead(Message):
    """The list of runs was read."""

    runs: tuple[RunSummary, ...]
    stopping: frozenset[str]
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    """Of the runs that came in somebody else's bundle."""


@dataclass
class RunRead(Message):
    """A run was read for one tab. `found` is None where nothing changed since the last reading.

    `error` is a sentence where the record, or the part of it that the tab shows, could not be read.
    """

    pane: str
    request: Hashable
    pulse: Pulse | None
    found: Any
    error: str


@dataclass
class Asked(Message):
    """A tab wants something else to be read: another lottery, draw, page or row."""

    pane: str


@dataclass
class Acted(Message):
    """An action on a run ended; `error` is empty where it succeeded."""

    action: Literal["start", "stop", "resume"]
    root: Path | None
    error: str
