"""What an export can leave out, and the note that says so: what is missing on purpose is withheld, not lost.

Texts and sealed parts of events lie beside the events, under their SHA-256, so a bundle without them still holds the
whole chain. Every redaction leaves out texts, the private parts (what leads back to the source) and all artifacts,
which are numbered as the source is. Rows about people stay, under pseudonyms; with `k` they are left out as well.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StorageError, sentences

NOTE = "redacted.json"


@dataclass(frozen=True)
class Redaction:
    """What a bundle withholds: how many texts, sealed parts among them; k is that of `--k`, None without it."""

    texts: int
    k: int | None

    def note(self) -> str:
        """The content of `redacted.json`. Artifacts are not named: their SHA-256 could be compared with public data."""
        return json.dumps({"texts": self.texts, "artifacts": [], "k": self.k}, indent=2) + "\n"


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
        texts, k = int(note["texts"]), note.get("k")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StorageError(f"{path} does not say what was withheld ({type(error).__name__})") from error
    if k is not None and not isinstance(k, int):
        raise StorageError(f"{path} does not say what was withheld (k is no number)")
    return Redaction(texts, k)


_PEOPLE = "SELECT payload->>'$.sealed.people.sha256' FROM events WHERE payload->'$.sealed.people' IS NOT NULL"


def withhold(database: Path, target: Path, k: int | None) -> None:
    """Writes a copy to `target` that holds no text but, without `k`, the parts about people.

    The copy is made with VACUUM, so no deleted text stays in a free page of it. `database` is a snapshot of the
    caller's own, which is changed on the way.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        guard = db.execute("SELECT sql FROM sqlite_master WHERE name = 'blobs_no_delete'").fetchone()[0]
        kept = "" if k is not None else f" WHERE sha256 NOT IN ({_PEOPLE})"
        for statement in ("BEGIN", "DROP TRIGGER blobs_no_delete", f"DELETE FROM blobs{kept}", guard, "COMMIT"):
            db.execute(statement)
        db.execute("VACUUM INTO ?", [str(target)])
