"""Messages that pass from the threads that read and act to the screens that show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from textual.message import Message

if TYPE_CHECKING:
    from core.program.machine import Machine
    from storage.imports.origin import Origin
    from storage.record.reader import Progress, RunSummary, Status
    from storage.run_lines.how_far import HowFar
    from storage.run_lines.said_of import SaidOf
    from tui.commands.starting.outlook import Outlook
    from tui.screens.jobs.job import Job
    from tui.screens.start.reading import FormReading

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
    at: str
    """When the last event that is looked at was recorded; "" for an empty record."""
    kind: str
    newest: int
    """Number of the last event that is recorded by now, whichever is looked at."""
    past: bool
    """Whether the run is looked at as of an event."""
    hash: str = ""
    """Of the last event that is looked at."""
    origin: str = ""
    """How somebody else's run came here: imported or unpacked; "" for a run that was made here."""


@dataclass
class RunsNamed(Message):
    """The folders of the runs were listed, the newest first; nothing of what is in them is read yet."""

    roots: tuple[Path, ...]


@dataclass
class RunsRead(Message):
    """The list of runs was read."""

    runs: tuple[RunSummary, ...]
    stopping: frozenset[str]
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    """Of the runs that came in somebody else's bundle."""
    waits: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    """What paused runs wait for; of those that were looked at."""
    problem: str = ""
    """Why the folder of the runs could not be read."""
    unseen: tuple[Path, ...] = ()
    """Runs of which not everything was found out yet, as they are now: damage to the file, and what is said."""
    far: Mapping[Path, HowFar] = field(default_factory=dict)
    """How far the stage of each run is."""
    said: Mapping[Path, SaidOf] = field(default_factory=dict)
    """What takes longer to find out; of those runs that were looked at."""


@dataclass
class MachineSeen(Message):
    """What the machine has to spare now."""

    machine: Machine


@dataclass
class LookedThrough(Message):
    """The file of a record was looked through; `damage` is a sentence where it is damaged, else empty."""

    damage: str


@dataclass
class RunRead(Message):
    """A run was read for one tab. `found` is None where nothing changed since the last reading.

    `until` is the event as of which it was read, or None: as it is now. `error` is a sentence where the record, or
    the part of it that the tab shows, could not be read.
    """

    pane: str
    request: Hashable
    until: int | None
    pulse: Pulse | None
    found: Any
    error: str


@dataclass
class Asked(Message):
    """A tab wants something else to be read: another lottery, draw, page or row."""

    pane: str


@dataclass
class Stepped(Message):
    """The event before or after another one was looked for; `found` is None where there is none."""

    by: int
    found: int | None
    error: str


@dataclass
class Acted(Message):
    """An action on a run ended; `error` is empty where it succeeded."""

    action: Literal["demo", "start", "stop", "resume"]
    root: Path | None
    error: str


@dataclass
class CopyKept(Message):
    """A text was copied: `told` says where it lies now."""

    told: str


@dataclass
class FormRead(Message):
    """The configuration of a form was read, as it is after change number `state`."""

    state: int
    reading: FormReading


@dataclass
class ValueTried(Message):
    """A value that is being typed was tried: what is wrong with it, and with others because of it."""

    key: str
    value: str
    own: str
    others: str


@dataclass
class OutlookFound(Message):
    """What a form's run would take, as it is after change number `state`; None where nobody waits for it."""

    state: int
    outlook: Outlook | None


@dataclass
class JobMoved(Message):
    """A command that the app runs as a child process has come further, or has ended."""

    job: Job


@dataclass
class StagesRead(Message):
    """The stages that a run has recorded: name, how far it can be replayed, and the seconds that it took."""

    stages: tuple[tuple[str, str, float | None], ...]


@dataclass
class RemovalRead(Message):
    """What would go with a run: `told` in words, or `wrong`, why it cannot be removed now."""

    told: str
    begun: bool
    wrong: str


@dataclass
class ExportChecked(Message):
    """Whether a bundle can be written where a person wants it: `wrong` is a sentence where it cannot."""

    wrong: str
