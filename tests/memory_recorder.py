"""A `Recorder` that keeps everything in memory, for tests of stages without a database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.config import RunConfig
from core.events import Event, UnitCompleted, decode, decode_text, digest
from core.run_folder import RunFolder
from core.stage import Context
from storage.judging.other_runs import RunsOnDisk

E = TypeVar("E", bound=Event)


@dataclass
class MemoryRecorder(RunsOnDisk):
    """Events go through JSON and back, as they do in a database."""

    events: list[tuple[str, Event, tuple[str, int] | None]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    progresses: list[tuple[str, float, float, str]] = field(default_factory=list)

    def record(
        self,
        stage: str,
        events: Sequence[Event],
        *,
        unit: tuple[str, int] | None = None,
        blobs: Sequence[bytes] = (),
    ) -> None:
        for event in events:
            payload = json.loads(json.dumps(event.payload(), allow_nan=False))
            self.events.append((stage, decode(event.kind, payload), unit))
        for body in blobs:
            self.blobs[digest(body)] = body

    def completed(self, stage: str) -> dict[str, tuple[Event, ...]]:
        last = {u[0]: u[1] for s, e, u in self.events if s == stage and u and isinstance(e, UnitCompleted)}
        return {
            key: tuple(
                e for s, e, u in self.events if s == stage and u == (key, attempt) and not isinstance(e, UnitCompleted)
            )
            for key, attempt in last.items()
        }

    def every(self, kind: type[E]) -> list[E]:
        return [e for _, e, _ in self.events if isinstance(e, kind)]

    def attempts(self, stage: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for s, _, u in self.events:
            if s == stage and u:
                found[u[0]] = max(found.get(u[0], 0), u[1])
        return found

    def interrupted(self, stage: str, unit: str) -> tuple[Event, ...]:
        own = [(e, u[1]) for s, e, u in self.events if s == stage and u and u[0] == unit]
        last = [e for e, attempt in own if attempt == own[-1][1]]
        return () if any(isinstance(e, UnitCompleted) for e in last) else tuple(last)

    def leaf_key(self, kind: str, *about: str) -> str:
        return digest("/".join([kind, *about]).encode())

    def text(self, sha256: str) -> str:
        return decode_text(self.blobs[sha256])

    def progress(self, stage: str, done: float, total: float, detail: str = "", left: float | None = None) -> None:
        self.progresses.append((stage, done, total, detail))

    def of_kind(self, kind: type[Any]) -> list[Any]:
        return [e for _, e, _ in self.events if isinstance(e, kind)]


def make_context(stage: str, config: RunConfig, root: Path, recorder: MemoryRecorder | None = None) -> Context:
    """A context on a fresh run folder below `root`."""
    folder = RunFolder(root)
    folder.create()
    return Context(stage, config, recorder or MemoryRecorder(), folder)
