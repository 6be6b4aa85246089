"""Clauses and questions as they were put to the models, each once, cut: for whoever lists them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from storage.record.reader import Reader

_CLAUSES = """SELECT clause_id AS name, substr(clause, 1, ?) AS text, length(clause) AS length
  FROM (SELECT DISTINCT clause_id, clause FROM questions)"""

_QUESTIONS = """SELECT question_id AS name, substr(question, 1, ?) AS text, length(question) AS length FROM questions
  WHERE question_id IN (SELECT value FROM json_each(?))"""


@dataclass(frozen=True)
class AskedText:
    """A text, cut, and how long it is as a whole. None: the text is not here."""

    text: Any
    length: Any


def clause_texts(reader: Reader, limit: int) -> dict[str, AskedText]:
    """By the name of the clause; so many characters of each."""
    return _named(reader.query(_CLAUSES, [limit]))


def question_texts(reader: Reader, questions: Collection[str], limit: int) -> dict[str, AskedText]:
    """Of these questions, by name; so many characters of each."""
    return _named(reader.query(_QUESTIONS, [limit, json.dumps(list(questions))]))


def _named(rows: list[dict[str, Any]]) -> dict[str, AskedText]:
    return {str(row["name"]): AskedText(row["text"], row["length"]) for row in rows}
