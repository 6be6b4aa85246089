"""The constitution as it was read, and the clauses that are asked about: the first ones of it, word by word."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

from core.facts.judging.clauses import NoClause, clauses_in
from core.facts.plural import number_of
from storage.verifier.contents.replies import Texts
from storage.verifier.contents.whole import withheld_by
from storage.verifier.ground.finding import Finding, broken, same, unreadable, whole
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Record


def check_constitution(record: Record) -> str:
    """Numbers and words of the clauses are those of the text, as many as the configuration asks for."""
    whole(record)
    planned = record.counted("questions.planned")
    if not planned:
        return "no questions are planned"
    event = planned[0]
    try:
        with closing(opened_safely(record.database)) as db:
            text = Texts(record, db).body(event.values["constitution"])
    except sqlite3.Error as error:
        raise unreadable(error) from None
    if text is None:
        withheld = withheld_by(record.root)[0] > 0
        raise Finding(
            "withheld" if withheld else "unknown",
            "the text of the constitution is not here, so its clauses were not compared",
        )
    try:
        read = clauses_in(text)
    except NoClause as error:
        raise broken(f"the text of the constitution is none: {error}", event.seq) from None
    most = (record.genesis.get("config", {}).get("answer") or {}).get("clauses")
    wanted = [(number, _digest_of(clause)) for number, clause in list(read.items())[:most]]
    found = [(clause["clause_id"], clause["text"]["sha256"]) for clause in event.values["clauses"]]
    same(
        [number for number, _ in found], [number for number, _ in wanted], "the clauses of the constitution", event.seq
    )
    for (number, digest), (_, expected) in zip(found, wanted, strict=True):
        same(digest, expected, f"the text of clause {number}, by its SHA-256,", event.seq)
    return f"{number_of(len(found), 'clause')} of {len(read)}, read again from the constitution"


def _digest_of(clause: str) -> str:
    return hashlib.sha256(clause.encode("utf-8", "surrogatepass")).hexdigest()
