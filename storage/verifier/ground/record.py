"""A record as a verifier holds it in memory: what was read, what counts, and what was found wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.facts.chain import NO_EVENT
from storage.verifier.ground.ledger import Ledger, Sentence
from storage.verifier.ground.shapes import Shape

SIGNED_HEAD = "head.signed"

KEPT_FIELDS: Mapping[str, tuple[str, ...] | None] = {
    "run.created": None,
    "engine.started": ("resumed",),
    "engine.stopped": ("outcome", "exit_code"),
    "stage.started": None,
    "stage.skipped": None,
    "pairs.built": None,
    "pool.built": None,
    "lottery.quotas": None,
    "lottery.types": None,
    "lottery.level": None,
    "lottery.panel": None,
    "lottery.solved": None,
    "lottery.diagnosed": None,
    "lottery.bounded": None,
    "draw.committed": None,
    "draw.made": None,
    "draw.decided": None,
    "draw.alternates": None,
    "seed.derived": None,
    SIGNED_HEAD: None,
    "condition.planned": None,
    "model.ready": ("model", "files"),
    "recovery.measured": None,
    "questions.planned": None,
    "questions.generated": ("clause_id", "model", "questions", "reply"),
    "leaderboard.computed": None,
    "diagnostics.computed": None,
    "reference.computed": ("sequences", "cut_contexts", "cut_responses", "rule"),
    "train.start": None,
    "train.step": ("condition", "step", "margin", "learning_rate", "rule"),
    "train.checkpoint": ("condition", "step", "final", "folder", "files"),
    "answer.given": ("condition", "question_id", "clause_id", "answer", "tokens", "finish"),
    "judge.called": (
        "question_id",
        "clause_id",
        "judge",
        "judge_kind",
        "outcome",
        "shown_order",
        "ranking",
        "finish_reason",
        "prompt",
        "reply",
        "rule",
    ),
}
"""What is kept of the events of each kind (None: everything); of all other kinds only that they were there."""

HASHED_KINDS = ("pool.built", "lottery.quotas", "lottery.types", "lottery.panel", "lottery.solved", "lottery.level")
"""Their payloads are hashed by commitments, as they stand in the record."""


@dataclass(frozen=True)
class Facts:
    """What a verifier has to know about the program that writes records.

    version is the schema's; objects are SHA-256 of the SQL of its tables, indexes and triggers, by name; views those of
    its newest views, and released the digest of each set of views that records have; tables is the SQL of the two
    tables that are read; kinds are the shapes of all events.
    """

    program: str
    version: int
    objects: Mapping[str, str]
    views: Mapping[str, str]
    released: Mapping[int, str]
    tables: Mapping[str, str]
    kinds: Mapping[str, Shape]


@dataclass(frozen=True)
class Misfit:
    """Why a schema is not one that the program writes, and whether a newer version may have written it."""

    told: str
    newer: bool = False


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
        database: the file, wherever a link to it leads.
        problem: why reading ended before the end of the file; hindered where the record is not to blame for it.
        integrity: what SQLite's own check says.
        hashes: the stored hash of every event, in order; up to event `intact` they are those of the contents.
        newer: the first event of a kind, or with a field, that this verifier doesn't know.
        misshapen_heads: events that are signed heads by their kind and don't have the fields of one.
        references: the first event that refers to each text, by the SHA-256 of the text.
        shown: for each text that events refer to, the name of what a view shows, and the first such event.
        artifacts: size and first event of each artifact.
        blobs, missing: texts that are there, and those that an event refers to and that are not.
        remembered: what several checks work out from the events.
    """

    database: Path
    facts: Facts
    problem: str = ""
    hindered: bool = False
    integrity: str = ""
    version: int = 0
    schema_wrong: Misfit | None = None
    objects: int = 0
    count: int = 0
    head: str = NO_EVENT
    hashes: list[str] = field(default_factory=list)
    chain_wrong: tuple[str, int | None] | None = None
    shape_wrong: Sentence | None = None
    newer: Sentence | None = None
    ledger: Ledger = field(default_factory=Ledger)
    kept: dict[str, list[Found]] = field(default_factory=dict)
    kept_bytes: int = 0
    misshapen_heads: list[int] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=dict)
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)
    artifacts: dict[str, tuple[int, int]] = field(default_factory=dict)
    blobs: int = 0
    missing: list[tuple[int, str]] = field(default_factory=list)
    blob_wrong: tuple[str, int | None] | None = None
    remembered: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder of the record."""
        return self.database.parent

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

    @property
    def intact(self) -> int:
        """The last event up to which every hash is that of the contents."""
        if self.chain_wrong is None:
            return self.count
        return min(self.count, (self.chain_wrong[1] or 1) - 1)

    @property
    def breaks(self) -> tuple[str, int | None] | None:
        """Where the chain cannot be followed to its end; None where it can. Why is what the check "chain" says."""
        if self.chain_wrong is not None:
            return f"the chain breaks after event {self.intact}", self.intact + 1
        return ("not every event could be read", None) if self.problem else None
