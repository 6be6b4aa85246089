"""A record as a verifier holds it in memory: what was read, what counts, and what was found wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.facts.sealed import WITHHELD_ROWS
from core.facts.sortition.draw import COMMITTED_PARTS
from storage.verifier.ground.ledger import Ledger, Sentence
from storage.verifier.ground.possible import Times
from storage.verifier.ground.shapes import Shape

SIGNED_HEAD = "head.signed"

KEPT_FIELDS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(fields.split())
    for kind, fields in {
        "engine.started": "resumed environment",
        "engine.stopped": "outcome exit_code",
        "model.ready": "model template files parameters vocabulary",
        "questions.generated": "clause_id model questions template prompt reply request_key rule",
        "reference.computed": "sequences cut_contexts cut_responses rule artifact",
        "train.step": "condition step loss margin gradient_norm learning_rate rule",
        "train.checkpoint": "condition step folder files",
        "model.linked": "condition model files parameters vocabulary",
        "answer.read": "condition question_id clause_id answer",
        "answer.received": "condition question_id clause_id outcome model answer reply prompt finish_reason "
        "request_key",
        "answer.given": "condition question_id clause_id answer tokens finish",
        "judge.called": "question_id clause_id judge judge_kind outcome shown_order ranking finish_reason "
        "prompt_tokens completion_tokens cached_tokens template prompt reply request_key rule rotations taken_from",
    }.items()
}
"""What is kept of the events of a kind; of those that are not named here everything."""

COUNTED_ONLY = ("stage.planned", "stage.completed", "unit.completed", "operator.action")
"""Kinds of which only the ledger has to know."""

HASHED_KINDS = frozenset(kind for kinds in COMMITTED_PARTS.values() for kind in kinds)
"""Their payloads are hashed by commitments, as they stand in the record."""


@dataclass(frozen=True)
class WriterFacts:
    """What a verifier has to know about the program that writes records.

    version is the schema's; objects are SHA-256 of the SQL of its tables, indexes and triggers, by name; views is the
    SQL of its newest views, and released the digest of each set of views that records have; tables is the SQL of the
    two tables that are read; kinds are the shapes of all events, the fields of sealed parts included, and sealed the
    names of these by kind and part; config is the shape of a run's configuration, whose words may be any.
    """

    program: str
    version: int
    objects: Mapping[str, str]
    views: Mapping[str, str]
    released: Mapping[int, str]
    tables: Mapping[str, str]
    kinds: Mapping[str, Shape]
    sealed: Mapping[str, Mapping[str, tuple[str, ...]]]
    config: Shape


@dataclass(frozen=True)
class Misfit:
    """Why a schema is not one that the program writes, and whether a newer version may have written it."""

    told: str
    newer: bool = False


class WithheldField(LookupError):
    """A field of a sealed part that is not here was asked for."""


class Values(dict[str, Any]):
    """The fields of an event. Those of sealed parts that are not here can't be overlooked: asking for one raises."""

    absent: Mapping[str, str] = {}
    """The part of each field that is not here."""

    def __missing__(self, name: str) -> Any:
        if name in self.absent:
            raise WithheldField(f"this copy is without {WITHHELD_ROWS[self.absent[name]]} ({name})")
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dictionary, but for what is not here."""
        return default if name not in self and name not in self.absent else self[name]


@dataclass(frozen=True)
class Found:
    """An event of which something is kept; payload is kept where commitments hash it."""

    seq: int
    stage: str
    kind: str
    unit: str | None
    attempt: int
    values: Values
    payload: str


@dataclass
class Record:
    """A record as it was read. What is wrong is a sentence, empty or None where nothing is.

    Attributes:
        database: the file, wherever a link to it leads.
        problem: why reading ended before the end of the file; hindered where the record is not to blame for it.
        views: the version of its views; 0 where no release has these.
        integrity: what SQLite's own check says.
        hashes: the stored hash of every event, in order; up to event `intact` they are those of the contents.
        newer: the first event of a kind, or with a field, that this verifier doesn't know.
        signed_at: when each signed head was recorded, as its event says; by the number of the event.
        misshapen_heads: events that are signed heads by their kind and don't have the fields of one.
        references: the first event that refers to each text, by the SHA-256 of the text.
        shown: for each text that events refer to, the name of what a view shows, and the first such event.
        artifacts: size and first event of each artifact.
        blobs, missing: texts that are there, and those that an event refers to and that are not.
        absent_parts: sealed parts that are not here in some event.
        impossible: the first number below what it counts or measures.
        remembered: what several checks work out from the events.
        read_models: whether the files of models are read; None: where that does not take long.
    """

    database: Path
    facts: WriterFacts
    problem: str = ""
    hindered: bool = False
    integrity: str = ""
    version: int = 0
    schema_wrong: Misfit | None = None
    views: int = 0
    objects: int = 0
    count: int = 0
    hashes: list[str] = field(default_factory=list)
    chain_wrong: tuple[str, int | None] | None = None
    shape_wrong: Sentence | None = None
    newer: Sentence | None = None
    ledger: Ledger = field(default_factory=Ledger)
    kept: dict[str, list[Found]] = field(default_factory=dict)
    kept_bytes: int = 0
    signed_at: dict[int, str] = field(default_factory=dict)
    misshapen_heads: list[int] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=dict)
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)
    artifacts: dict[str, tuple[int, int]] = field(default_factory=dict)
    blobs: int = 0
    missing: list[tuple[int, str]] = field(default_factory=list)
    blob_wrong: tuple[str, int | None] | None = None
    absent_parts: set[str] = field(default_factory=set)
    times: Times = field(default_factory=Times)
    impossible: Sentence | None = None
    remembered: dict[str, Any] = field(default_factory=dict)
    read_models: bool | None = None

    @property
    def root(self) -> Path:
        """The folder of the record."""
        return self.database.parent

    def counted(self, kind: str) -> list[Found]:
        """The events of a kind that count: those of the completed attempt of their unit."""
        return [e for e in self.kept.get(kind, ()) if self.ledger.counts(e.stage, e.unit, e.attempt)]

    @property
    def genesis(self) -> Values:
        """The fields of the first event; empty where it creates no run."""
        first = self.kept.get("run.created", [])
        return first[0].values if first and first[0].seq == 1 else Values()

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
