"""Questions and clauses that stand in lines of published rankings or answers (JSON Lines), each beside its own:

    {"question_id": "1:2", "clause_id": 1, "clause": "Choose …", "question": "…", …}

The number behind the colon is the question's within its clause; a sample of the questions leaves gaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.files.jsonl import JsonLines
from core.errors import InputError
from core.evaluation.constitution import Constitution
from core.types import Question

_QUESTION_ID = re.compile(r"([1-9][0-9]{0,5}):(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True)
class _Asked:
    clause_id: int
    number: int
    question: str
    clause: str | None
    where: str


def clauses_in_lines(path: Path) -> dict[int, str]:
    """The clauses by number.

    Raises:
        InputError: a line lacks its clause or its question, or two lines give one clause other words.
    """
    found: dict[int, _Asked] = {}
    for asked in _lines(path):
        if asked.clause is None:
            raise InputError(
                f"{asked.where}: 'clause' is missing, the words of clause {asked.clause_id}; name the constitution "
                "(answer.constitution)"
            )
        first = found.setdefault(asked.clause_id, asked)
        if (first.clause or "").split() != asked.clause.split():
            raise InputError(f"{asked.where}: clause {asked.clause_id} has other words than in {first.where}")
    return {number: asked.clause or "" for number, asked in found.items()}


def questions_in_lines(path: Path, constitution: Constitution) -> tuple[Question, ...]:
    """The questions, in order of clause and number.

    Raises:
        InputError: a line lacks its question, a clause is not in the constitution, or one question has two texts.
    """
    found: dict[tuple[int, int], _Asked] = {}
    for asked in _lines(path):
        if asked.clause_id not in constitution.clauses:
            raise InputError(f"{asked.where}: clause_id {asked.clause_id} is not in the constitution")
        first = found.setdefault((asked.clause_id, asked.number), asked)
        if first.question != asked.question:
            raise InputError(
                f"{asked.where}: question '{asked.clause_id}:{asked.number}' reads other than in {first.where}"
            )
    return tuple(
        Question(f"{clause}:{number}", clause, constitution.clauses[clause], found[clause, number].question)
        for clause, number in sorted(found)
    )


def _lines(path: Path) -> Iterator[_Asked]:
    for row in JsonLines(path):
        where, values = row.where, row.values
        clause_id, clause, question = (values.get(key) for key in ("clause_id", "clause", "question"))
        named = _QUESTION_ID.fullmatch(str(values.get("question_id")))
        if named is None or not isinstance(clause_id, int) or int(named[1]) != clause_id:
            raise InputError(f"{where}: question_id must be 'clause:number' of its clause_id, as '1:0' of clause 1")
        if not isinstance(question, str) or not question.strip():
            raise InputError(f"{where}: 'question' must be the question, a text that is not blank")
        if clause is not None and not isinstance(clause, str):
            raise InputError(f"{where}: 'clause' must be a text")
        yield _Asked(clause_id, int(named[2]), question, clause, where)
