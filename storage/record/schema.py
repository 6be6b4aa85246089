"""The database of a run: one append-only table `events`, content-addressed `blobs`, and views.

Triggers stop accidents; the hash chain gives the evidence. Every view that expands JSON
selects from a MATERIALIZED common table expression: without it a join of two views takes minutes.
The views are a public interface: columns may be added, none may be renamed. Their SQL is in `views`, by subject.
"""

from __future__ import annotations

from storage.record.views.answer_views import OF_ANSWERS
from storage.record.views.board_views import OF_BOARDS
from storage.record.views.call_views import OF_CALLS
from storage.record.views.draw_views import OF_DRAWS
from storage.record.views.judge_views import OF_AGREEMENT_WITH_PEOPLE, OF_DIAGNOSTICS, OF_JUDGES, OF_PEOPLE
from storage.record.views.lottery_views import OF_LOTTERIES
from storage.record.views.plan_views import OF_PLANS
from storage.record.views.published_views import OF_PUBLISHED
from storage.record.views.robustness_views import OF_ROBUSTNESS
from storage.record.views.run_views import OF_OPERATORS, OF_THE_RUN
from storage.record.views.sql_parts import Views, from_first
from storage.record.views.training_views import OF_TRAINING

TABLES = {
    "events": """CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  stage TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT""",
    "blobs": """CREATE TABLE blobs (
  sha256 TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT""",
}

INDEXES = {"events_kind": "CREATE INDEX events_kind ON events(kind, seq)"}

TRIGGERS = {
    "events_append": """CREATE TRIGGER events_append BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events are appended in order, one number after the other'); END""",
    "events_no_update": """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    "events_no_delete": """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    "blobs_keep": """CREATE TRIGGER blobs_keep BEFORE INSERT ON blobs
WHEN EXISTS (SELECT 1 FROM blobs WHERE sha256 = NEW.sha256)
BEGIN SELECT RAISE(IGNORE); END""",
    "blobs_no_update": """CREATE TRIGGER blobs_no_update BEFORE UPDATE ON blobs
BEGIN SELECT RAISE(ABORT, 'blobs are never changed'); END""",
    "blobs_no_delete": """CREATE TRIGGER blobs_no_delete BEFORE DELETE ON blobs
BEGIN SELECT RAISE(ABORT, 'blobs are never deleted'); END""",
}

_VIEWS: Views = {
    **OF_THE_RUN,
    **OF_LOTTERIES,
    **OF_DRAWS,
    **OF_TRAINING,
    **OF_ANSWERS,
    **OF_CALLS,
    **OF_BOARDS,
    **OF_DIAGNOSTICS,
    **OF_ROBUSTNESS,
    **OF_JUDGES,
    **OF_PEOPLE,
    **OF_PUBLISHED,
    **OF_AGREEMENT_WITH_PEOPLE,
    **OF_PLANS,
    **OF_OPERATORS,
}
"""In the order in which they are listed."""


def _view(name: str, tables: str, select: str) -> str:
    """The rows are MATERIALIZED too, so that a join of two views can index them."""
    return f"CREATE VIEW {name} AS\n{tables},\nv AS MATERIALIZED (\n{select}\n)\nSELECT * FROM v"


VIEWS = {name: _view(name, *parts) for name, parts in _VIEWS.items()}


def rows_of(view: str) -> str:
    """SQL that begins with `WITH` and gives the name of a view to the same rows, which are found sooner: an index of
    completed units that every view makes for itself is left out as far as it goes."""
    return f"WITH {view} AS (\n{from_first(VIEWS[view].partition(' AS')[2])}\n)"


FORMAT: dict[str, str] = {**TABLES, **INDEXES, **TRIGGERS}
"""Name and exact SQL of what belongs to `SCHEMA_VERSION` and is held exactly."""

OBJECTS: dict[str, str] = {**FORMAT, **VIEWS}
"""Name and exact SQL of everything in a new database."""

VIEWS_VERSION = 2
"""Of the views alone, which show what is recorded and hold nothing: a record keeps those that it was made with, is
continued with them, and is read through these here."""

RELEASED_VIEWS = {
    1: "50ec0b5a936ee803640e535632b8a940008e45fc2bef2d061265a7ada37ed692",
    2: "1cfe55fd51fb1a6e0f8c70f2e682e5fcc695dd8542e812ecc7fa8bff60877794",
}
"""`schema_digest` of the views of each version; records hold no others."""
