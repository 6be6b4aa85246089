"""The texts of a record, for checks that read many of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from storage.verifier.ground.finding import spend
from storage.verifier.ground.record import Record

CHARACTERS_AT_A_TIME = 50
"""Characters of a text that are read and compared in one of the steps of `finding.spend`."""


class Texts:
    """The texts of a record; `absent` are the names of those that were wanted and are not here."""

    def __init__(self, record: Record, db: sqlite3.Connection) -> None:
        self.record = record
        self.db = db
        self.absent: set[str] = set()

    def body(self, text: Mapping[str, Any]) -> str | None:
        """A text, exactly; None where it is not here."""
        row = self.db.execute("SELECT body FROM blobs WHERE sha256 = ?", [text["sha256"]]).fetchone()
        if row is None:
            self.absent.add(text["sha256"])
            return None
        spend(self.record, 1 + len(row[0]) // CHARACTERS_AT_A_TIME)
        return bytes(row[0]).decode("utf-8", "surrogatepass")

    def here(self, text: Mapping[str, Any]) -> bool:
        """Whether a text is here; noted where it is not."""
        found = self.db.execute("SELECT 1 FROM blobs WHERE sha256 = ?", [text["sha256"]]).fetchone() is not None
        if not found:
            self.absent.add(text["sha256"])
        return found
