"""What long solving has found so far, kept on disk so that a killed run does not start again.

These files are scratch, no part of the record: whoever deletes them loses time and nothing else. Work
that uses them goes in rounds, and a round depends only on what the checkpoint holds, so that an
interrupted run ends with the same bits as one that was left alone. A file answers only the question
that it was written for (problem, target, random stream, versions of what solves); any other, damaged
or unreadable file counts as none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.durable import write_durably
from core.facts.randomness import RandomStream
from core.sortition.panels import Composition
from core.sortition.quotas.problem import PanelProblem

State = dict[str, Any]
"""JSON values; floats read back exactly."""

FORMAT = "dempo-checkpoint-1"


class Checkpoint:
    """The state of one piece of work in a file, with its own SHA-256 and that of the question it answers.

    Without a path nothing is kept.
    """

    def __init__(self, path: Path | None = None, identity: str = "") -> None:
        self.path = path
        self.identity = identity

    def load(self) -> State | None:
        """The state saved last, or None where there is none that fits."""
        if self.path is None:
            return None
        try:
            content = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(content, dict) or content.get("identity") != self.identity:
            return None
        state = content.get("state")
        return state if isinstance(state, dict) and content.get("sum") == _sum(state) else None

    def save(self, state: State) -> None:
        """Replaces the state."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {"identity": self.identity, "sum": _sum(state), "state": state}
        write_durably(self.path, json.dumps(content, separators=(",", ":")).encode())


class Checkpoints:
    """Where the pieces of work of one lottery keep their state: a folder with a file for each, or nowhere."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def of(self, work: str, identity: str) -> Checkpoint:
        """The checkpoint of a piece of work; `identity` (see `identity_of`) is the question it answers.

        The file's name begins with the work; a piece with another identity has another file.
        """
        path = None if self.folder is None else self.folder / f"{work}-{identity[:16]}.json"
        return Checkpoint(path, identity)

    def discard(self) -> None:
        """Deletes every state, once the result is recorded, and the folder where nothing else is in it."""
        if self.folder is None:
            return
        for path in (*self.folder.glob("*.json"), *self.folder.glob(".*.json.partial")):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def identity_of(problem: PanelProblem, stream: RandomStream, *more: object) -> str:
    """SHA-256 over everything that decides what is found: problem, seed and path, solver, and `more`.

    `more` holds values whose repr is exact: numbers, strings, tuples and lists of them.
    """
    from core.sortition.solver import versions

    rows = [(row.attribute, row.category, row.lower, row.upper, row.types) for row in problem.rows]
    parts = (FORMAT, versions(), problem.size, problem.type_sizes, rows, stream.seed, stream.path, more)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def packed(panels: Iterable[Composition]) -> list[list[int]]:
    """Compositions as lists of the types of their members, which are far shorter."""
    return [[t for t, x in enumerate(panel) for _ in range(x)] for panel in panels]


def unpacked(seats: Sequence[Sequence[int]], types: int) -> list[Composition]:
    """The inverse of `packed`."""
    panels = []
    for members in seats:
        panel = [0] * types
        for t in members:
            panel[t] += 1
        panels.append(tuple(panel))
    return panels


def _sum(state: State) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
