"""A record as a verifier holds it in memory: what was read, what counts, and what was found wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.verifier.ledger import Ledger, Sentence
from storage.verifier.shapes import Shape

NO_EVENT = "0" * 64
"""`prev` of the first event, and the head of a record that holds none."""

KEPT_FIELDS: Mapping[str, tuple[str, ...] | None] = {
    "run.created": None,
    "pairs.built": None,
    "pool.built": None,
    "lottery.quotas": None,
    "lottery.types": None,
    "lottery.level": None,
    "lottery.panel": None,
    "lottery.solved": None,
    "lottery.diagnosed": None,
    "draw.committed": None,
    "draw.made": None,
    "draw.decided": None,
    "draw.alternates": None,
    "seed.derived": None,
    "condition.planned": None,
    "questions.planned": None,
    "leaderboard.computed": None,
    "diagnostics.computed": None,
    "train.step": ("condition", "step"),
    "train.checkpoint": ("condition", "step", "final"),
    "answer.given": ("condition", "question_id", "clause_id", "answer"),
    "judge.called": ("question_id", "clause_id", "judge", "outcome", "shown_order", "ranking"),
}
"""What is kept of the events of each kind (None: everything); of all other kinds only that they were there."""

HASHED_KINDS = ("pool.built", "lottery.quotas", "lottery.types", "lottery.panel", "lottery.solved", "lottery.level")
"""Their payloads are hashed by commitments, as they stand in the record."""


@dataclass(frozen=True)
class Facts:
    """What a verifier has to know about the program that writes records.

    version is the newest schema; objects are SHA-256 of the SQL of everything in a database of it, by name;
    older gives one digest of all objects for each older schema; tables is the SQL of the two tables that are
    read; kinds are the shapes of all events.
    """

    program: str
    version: int
    objects: Mapping[str, str]
    older: Mapping[int, str]
    tables: Mapping[str, str]
    kinds: Mapping[str, Shape]


@dataclass(frozen=True)
class Found:
    """An event of which something is kept; payload is kept where commitments hash it."""

    seq: int
    stage: str
    kind: str
    unit: str | None
    attempt: int
    values: dict[str, Any]
    payload: str


@dataclass
class Record:
    """A record as it was read. What is wrong is a sentence, empty or None where nothing is.

    Attributes:
        problem: why reading ended before the end of the file.
        integrity: what SQLite's own check says.
        hashes: the stored hash of every event, in order; they are those of its contents where the chain holds.
        references: the first event that refers to each text, by the SHA-256 of the text.
        shown: for each text that events refer to, the name of what a view shows, and the first such event.
        artifacts: size and first event of each artifact.
        blobs, missing: texts that are there, and those that an event refers to and that are not.
        remembered: what several checks work out from the events.
    """

    root: Path
    facts: Facts
    problem: str = ""
    integrity: str = ""
    version: int = 0
    schema_wrong: str = ""
    objects: int = 0
    count: int = 0
    head: str = NO_EVENT
    hashes: list[str] = field(default_factory=list)
    chain_wrong: tuple[str, int | None] | None = None
    shape_wrong: Sentence | None = None
    ledger: Ledger = field(default_factory=Ledger)
    kept: dict[str, list[Found]] = field(default_factory=dict)
    kept_bytes: int = 0
    references: dict[str, int] = field(default_factory=dict)
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)
    artifacts: dict[str, tuple[int, int]] = field(default_factory=dict)
    blobs: int = 0
    missing: list[tuple[int, str]] = field(default_factory=list)
    blob_wrong: tuple[str, int | None] | None = None
    remembered: dict[str, Any] = field(default_factory=dict)

    def counted(self, kind: str) -> list[Found]:
        """The events of a kind that count: those of the completed attempt of their unit."""
        return [e for e in self.kept.get(kind, ()) if self.ledger.counts(e.stage, e.unit, e.attempt)]

    def outside(self, kind: str) -> list[Found]:
        """The events of a kind that belong to no unit."""
        return [e for e in self.kept.get(kind, ()) if e.unit is None]

    @property
    def genesis(self) -> dict[str, Any]:
        """The fields of the first event; empty where it creates no run."""
        first = self.kept.get("run.created", [])
        return first[0].values if first and first[0].seq == 1 else {}
