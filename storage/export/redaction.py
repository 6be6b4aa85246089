"""What an export can leave out, and the note that says so: what is missing on purpose is withheld, not lost.

The texts lie beside the events, under their SHA-256, so a bundle without them still holds the whole chain. Pseudonyms
lie inside the events, and the chain is made over the events: they can't be taken out of `audit.db` or `events.jsonl`
without breaking it. They are left out of everything that is derived from the record.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storage.errors import StorageError, sentences

NOTE = "redacted.json"
WITHHELD = "withheld"
"""Stands in a table or a report for what was left out."""

_RATERS = frozenset({"rater_id"})
_TEXTS: dict[str, frozenset[str]] = {
    "questions": frozenset({"clause", "question"}),
    "answers": frozenset({"answer"}),
    "judge_calls": frozenset({"detail"}),
}
"""Columns of views that hold texts of people or models; the words of an operator are no such texts."""


@dataclass(frozen=True)
class Redaction:
    """What a bundle withholds: how many texts, and the SHA-256 names of artifacts that hold texts."""

    texts: int
    artifacts: tuple[str, ...]

    def note(self) -> str:
        """The content of `redacted.json`."""
        return json.dumps({**asdict(self), "rater_ids": "in tables, plots and report"}, indent=2) + "\n"


def redaction_of(root: Path) -> Redaction | None:
    """What is withheld from the run in this folder, or None where nothing is.

    Raises:
        StorageError: the note cannot be read, or is not one that `dempo export` writes.
    """
    path = root / NOTE
    if not path.is_file():
        return None
    try:
        with sentences(path):
            note = json.loads(path.read_bytes())
        texts, artifacts = int(note["texts"]), tuple(map(_named, note["artifacts"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StorageError(f"{path} does not say what was withheld ({type(error).__name__})") from error
    return Redaction(texts, artifacts)


def _named(artifact: object) -> str:
    if not isinstance(artifact, str):
        raise TypeError("an artifact is named by its SHA-256")
    return artifact


def withhold_texts(database: Path, target: Path) -> int:
    """Writes a copy without any text to `target`; returns how many were left out.

    The copy is made with VACUUM, so no deleted text stays in a free page of it. `database` is a snapshot of the
    caller's own, which is changed on the way.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        guard = db.execute("SELECT sql FROM sqlite_master WHERE name = 'blobs_no_delete'").fetchone()[0]
        texts: int = db.execute("SELECT count(*) FROM blobs").fetchone()[0]
        for statement in ("BEGIN", "DROP TRIGGER blobs_no_delete", "DELETE FROM blobs", guard, "COMMIT"):
            db.execute(statement)
        db.execute("VACUUM INTO ?", [str(target)])
    return texts


def shown(view: str, row: Mapping[str, Any], redacted: bool) -> dict[str, Any]:
    """A row of a view as a table or a report may show it."""
    if not redacted:
        return dict(row)
    hidden = _RATERS | _TEXTS.get(view, frozenset())
    return {key: WITHHELD if key in hidden and value != "" else value for key, value in row.items()}
