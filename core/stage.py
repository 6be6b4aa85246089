"""The stage and unit model: what a stage is, and how its work is recorded, skipped and redone.

A stage is a function `run(ctx, *inputs) -> frozen dataclass`. It does its work in *units* that are
planned before any of them starts. A finished unit is recorded in one transaction; an interrupted one
is redone exactly, because every random choice is derived from (run seed, stage, unit key).

A stage builds its result from the *recorded* events of its units, never from what it held in memory,
so a fresh run, a resumed run and a reader of the record see the same values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from core.config import RunConfig, resolved
from core.durable import file_digest, write_durably, written_by_content
from core.errors import InputError, Stopped
from core.events import (
    Artifact,
    Event,
    Recorder,
    SeedDerived,
    StageCompleted,
    StagePlanned,
    StageSkipped,
    StageStarted,
    Text,
    UnitCompleted,
    decode,
    digest,
    encode_text,
)
from core.facts.places import without_places
from core.facts.randomness import RandomStream, derive_key, derive_seed
from core.facts.stages import Replay, key_of_stage, skipped_because
from core.run_folder import RunFolder

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Stage:
    """One row of the pipeline: what is known of the stage everywhere (`core.facts.stages`), and what it does."""

    name: str
    version: int
    needs: tuple[str, ...]
    config: tuple[str, ...]
    replay: Replay
    run: Callable[..., Any]

    def skip(self, config: RunConfig) -> str | None:
        """Why a run with this configuration has nothing to do here, as a key (`core.facts.words`), or None."""
        return skipped_because(self.name, resolved(config))


def stage_key(stage: Stage, config: RunConfig, keys_of_needs: Sequence[str]) -> str:
    """SHA-256 over name, version, configuration slice, seed and the keys of the inputs."""
    seed = str(config.run.seed)
    return key_of_stage(
        stage.name, stage.version, without_places(resolved(config), {}), seed, keys_of_needs, stage.config
    )


@dataclass
class Unit:
    """A unit being worked on: events and texts gather here until `complete`."""

    ctx: Context
    key: str
    attempt: int
    events: list[Event] = field(default_factory=list)
    recorded_now: list[Event] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def add(self, *events: Event) -> None:
        """Adds events that will be recorded when the unit is complete."""
        self.events.extend(events)

    def now(self, *events: Event) -> None:
        """Records events at once (steps of a long unit); they count once the unit completes."""
        self.ctx.recorder.record(self.ctx.stage, events, unit=(self.key, self.attempt))
        self.recorded_now.extend(events)

    def text(self, text: str) -> Text:
        """Stores a text as a blob of this unit, and a readable twin where the text cannot be shown as it is."""
        body = encode_text(text)
        self.blobs.append(body)
        clean = body.decode("utf-8", "replace").replace("\0", "\ufffd")
        if clean == text:
            return Text(sha256=digest(body))
        self.blobs.append(clean.encode())
        return Text(sha256=digest(body), shown=digest(clean.encode()))

    def complete(self) -> None:
        """Records everything gathered and marks the unit as done, in one transaction."""
        done = UnitCompleted(seconds=round(time.monotonic() - self.begun, 3))
        unit = (self.key, self.attempt)
        self.ctx.recorder.record(self.ctx.stage, [*self.events, done], unit=unit, blobs=self.blobs)
        self.ctx.remember(self.key, [*self.recorded_now, *self.events])


class Context:
    """What a stage has at hand: configuration, random streams, units and the run's folder."""

    def __init__(self, stage: str, config: RunConfig, recorder: Recorder, folder: RunFolder) -> None:
        self.stage = stage
        self.config = config
        self.recorder = recorder
        self.folder = folder
        self._attempts = dict(recorder.attempts(stage))
        self._completed = recorder.completed(stage)

    def stream(self, *path: str) -> RandomStream:
        """The random stream of this stage below `path`, fixed by the run seed."""
        return RandomStream(self.config.run.seed, self.stage, *path)

    def stream_seed(self, key: str) -> SeedDerived:
        """What to record of `stream(key)`: its key, and how it came about."""
        seed = self.config.run.seed
        return SeedDerived(seed=derive_key(seed, self.stage, key).hex(), origin="unit")

    def torch_seed(self, *path: str) -> int:
        """A seed for generators that are not audited, fixed in the same way."""
        return derive_seed(self.config.run.seed, self.stage, *path)

    def plan(self, units: int) -> None:
        """Announces how many units the stage has."""
        self.recorder.record(self.stage, [StagePlanned(name=self.stage, units=units)])

    def recorded(self, key: str) -> tuple[Event, ...] | None:
        """The events of a completed unit, or None where it has still to be done."""
        return self._completed.get(key)

    def interrupted(self, key: str) -> tuple[Event, ...]:
        """What the last attempt of a unit recorded before it was interrupted."""
        return self.recorder.interrupted(self.stage, key)

    def pending(self, keys: Sequence[str]) -> list[str]:
        """Those of the planned units that have still to be done, in their order."""
        return [key for key in keys if self.recorded(key) is None]

    def begin(self, key: str) -> Unit:
        """Starts a unit (again)."""
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return Unit(self, key, self._attempts[key])

    def remember(self, key: str, events: Sequence[Event]) -> None:
        """Called by a unit that completed: keeps its events as a reader of the record would decode them."""
        self._completed[key] = tuple(decode(event.kind, event.payload()) for event in events)

    def unit(self, key: str, compute: Callable[[Unit], None]) -> tuple[Event, ...]:
        """The recorded events of a unit; it is computed and recorded first where that has still to be done."""
        found = self.recorded(key)
        if found is None:
            self.check_stop()
            unit = self.begin(key)
            compute(unit)
            unit.complete()
            found = self.recorded(key)
            assert found is not None, "a completed unit is remembered"
        return found

    @property
    def stop_asked(self) -> bool:
        """Whether the operator asked for a stop."""
        return self.folder.stop_request.exists()

    def check_stop(self) -> None:
        """Ends the engine between two units where the operator asked for it.

        Raises:
            Stopped: `control/stop.request` exists.
        """
        if self.stop_asked:
            raise Stopped("stopped on request; `dempo resume` goes on from here")

    def progress(self, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        """Tells people how far a long unit is; with the seconds that are left of it, how far the stage is."""
        self.recorder.progress(self.stage, done, total, detail, left)

    def go_on(self, done: float, total: float, detail: str) -> None:
        """`progress`, and a look for the request to stop, for work that is told how far it is as it goes.

        Raises:
            Stopped: as `check_stop`.
        """
        self.check_stop()
        self.progress(done, total, detail)

    def store(self, body: bytes, media_type: str) -> Artifact:
        """Writes a file under `artifacts/` by its content; an existing one is left as it is."""
        name = digest(body)
        path = self.folder.artifacts / name
        if not path.exists():
            write_durably(path, body)
        return Artifact(sha256=name, bytes=len(body), media_type=media_type)

    def store_stream(self, write: Callable[[BinaryIO], None], media_type: str) -> Artifact:
        """`store` for what is too large to be held: `write` writes it into the stream that it is given."""
        name, size = written_by_content(self.folder.artifacts, write)
        return Artifact(sha256=name, bytes=size, media_type=media_type)

    def stored(self, artifact: Artifact) -> Path:
        """Where an artifact lies, once its content was checked against its name, for what is read in place.

        Raises:
            InputError: the file is missing or was changed.
        """
        path = self.folder.artifacts / artifact.sha256
        with _needed(path):
            found = file_digest(path)
        _require_content(path, found, artifact)
        return path

    def load(self, artifact: Artifact) -> bytes:
        """The content of an artifact, checked against its name.

        Raises:
            InputError: the file is missing or was changed.
        """
        path = self.folder.artifacts / artifact.sha256
        with _needed(path):
            body = path.read_bytes()
        _require_content(path, digest(body), artifact)
        return body


@contextmanager
def _needed(path: Path) -> Iterator[None]:
    """What cannot be read is a sentence."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; the run cannot go on without it") from error


def _require_content(path: Path, found: str, artifact: Artifact) -> None:
    if found != artifact.sha256:
        raise InputError(f"{path} does not hold what was recorded; the run cannot go on with it")


def only(events: Sequence[Event], kind: type[E]) -> E:
    """The one event of a kind among those of a unit.

    Raises:
        InputError: there is none, or there are several: the record is not that of this program.
    """
    found = [event for event in events if isinstance(event, kind)]
    if len(found) != 1:
        raise InputError(f"the record holds {len(found)} {kind.kind} events of one unit instead of one")
    return found[0]


def run_stage(
    stage: Stage,
    config: RunConfig,
    recorder: Recorder,
    folder: RunFolder,
    key: str,
    inputs: Sequence[Any],
    completed: str | None,
) -> Any:
    """Runs one stage, or restores its result where `completed` is the key it was recorded under.

    Raises:
        InputError: the stage was recorded under another key (the program changed meanwhile).
    """
    if completed is not None and completed != key:
        raise InputError(
            f"stage {stage.name!r} was recorded by another version of this program; "
            "resume with that version, or clone the run"
        )
    if completed is not None:
        return stage.run(_Restored(stage.name, config, recorder, folder), *inputs)
    ctx = Context(stage.name, config, recorder, folder)
    seed = SeedDerived(seed=derive_key(config.run.seed, stage.name).hex(), origin="stage")
    recorder.record(
        stage.name, [StageStarted(name=stage.name, version=stage.version, key=key, replay=stage.replay), seed]
    )
    begun = time.monotonic()
    result = stage.run(ctx, *inputs)
    seconds = round(time.monotonic() - begun, 3)
    recorder.record(stage.name, [StageCompleted(name=stage.name, key=key, seconds=seconds)])
    return result


def skip_stage(stage: Stage, recorder: Recorder, reason: str) -> None:
    """Records that a stage has nothing to do."""
    recorder.record(stage.name, [StageSkipped(name=stage.name, reason=reason)])


class _Restored(Context):
    """The context of a stage that is complete: it records nothing more."""

    def plan(self, units: int) -> None:
        """A completed stage was planned before."""

    def begin(self, key: str) -> Unit:
        raise InputError(f"stage {self.stage!r} is complete but its unit {key!r} is not in the record")
