"""What recorded a run against what replays it: program, commit, packages and machine, stage versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.events import EngineStarted, StageStarted
from core.program.environment import engine_started
from core.stage import Stage
from storage.replay.repetition import Recorded

_DIRTY = " with uncommitted changes"


@dataclass(frozen=True)
class CodeChange:
    """One thing that differs; `event` is the first event that records it."""

    event: int
    what: str
    recorded: str
    now: str


def code_changes(record: Recorded, stages: Sequence[Stage]) -> list[CodeChange]:
    """Every way in which the present program differs from those that recorded the run."""
    present = _described(engine_started(resumed=False, secret=b""))
    found: dict[tuple[str, str], CodeChange] = {}
    for event, what, recorded in _recorded(record):
        now = present.get(what, "absent")
        # a checkout with changes of its own may hold any code, also where the commit is the same
        if recorded != now or (what == "commit" and recorded.endswith(_DIRTY)):
            found.setdefault((what, recorded), CodeChange(event, what, recorded, now))
    versions = {stage.name: stage.version for stage in stages}
    for event, name, version in _versions(record):
        if name in versions and version != versions[name]:
            what, recorded = f"stage {name}", f"version {version}"
            found.setdefault((what, recorded), CodeChange(event, what, recorded, f"version {versions[name]}"))
    return list(found.values())


def summary(changes: Sequence[CodeChange]) -> str:
    """The changes as one sentence."""
    if not changes:
        return "recorded by this version of the program, with these packages, on a machine like this one"
    recorded = ", ".join(f"{c.what} {c.recorded}" for c in changes)
    return f"recorded by {recorded}; this is {', '.join(f'{c.what} {c.now}' for c in changes)}"


def _recorded(record: Recorded) -> Iterator[tuple[int, str, str]]:
    started = [line for line in record.of("run") if line.kind == EngineStarted.kind]
    if not started:
        yield 1, "dempo", "unknown (no engine.started event)"
    for line in started:
        try:
            described = _described(EngineStarted.model_validate(line.values))
        except ValueError:
            yield line.seq, "dempo", "unknown (an engine.started event that this version cannot read)"
            continue
        for what, value in described.items():
            yield line.seq, what, value


def _versions(record: Recorded) -> Iterator[tuple[int, str, int]]:
    for line in record.lines:
        if line.kind == StageStarted.kind:
            yield line.seq, str(line.values.get("name")), line.values.get("version", 0)


def _described(started: EngineStarted) -> dict[str, str]:
    return {
        "dempo": started.program,
        "commit": (started.commit or "unknown") + (_DIRTY if started.dirty else ""),
        **({"files": started.files} if started.files else {}),
        "Python": started.python,
        "platform": started.platform,
        "devices": ", ".join(started.devices) or "no accelerator",
        **started.packages,
    }
