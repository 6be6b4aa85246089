"""Questions from files, in the published format: a folder of JSON files, one per clause.

    {"clause_id": 1, "clause": "Choose …", "questions": ["…", "…"]}

Question i (from 0) of clause c is called "c:i", as in the published answers. Other keys are ignored
(the published files name the model that wrote the questions).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.evaluation.constitution import Constitution
from core.types import Question


def read_questions(folder: Path, constitution: Constitution, per_clause: int | None = None) -> tuple[Question, ...]:
    """The first `per_clause` questions of every clause of the constitution, in order of clause and number.

    Files of clauses that the constitution doesn't have are refused; a caller that asks only for the
    first clauses passes the whole constitution and picks from the result.

    Raises:
        InputError: nothing to read, a file that is not in the format, a clause without questions, or a file
            written for another clause than the constitution's.
    """
    found: dict[int, tuple[Path, list[str]]] = {}
    for path in _files(folder):
        clause_id, clause, questions = _read_file(path)
        if clause_id in found:
            raise InputError(f"{path} and {found[clause_id][0]} both hold the questions of clause {clause_id}")
        _check_clause(path, clause_id, clause, constitution)
        found[clause_id] = (path, questions)
    return tuple(
        Question(f"{clause_id}:{i}", clause_id, constitution.clauses[clause_id], text)
        for clause_id in sorted(found)
        for i, text in enumerate(found[clause_id][1][:per_clause])
    )


def clauses_in_files(folder: Path) -> dict[int, str]:
    """The clause of each file, by its number.

    Raises:
        InputError: nothing to read, or a file that is not in the format.
    """
    return {clause_id: clause for clause_id, clause, _ in map(_read_file, _files(folder))}


def require_all_clauses(questions: Sequence[Question], constitution: Constitution, where: Path) -> None:
    """Refuses a constitution of which a part would silently not be asked about."""
    asked = {question.clause_id for question in questions}
    missing = [str(number) for number in constitution.clauses if number not in asked]
    if missing:
        raise InputError(
            f"{where} has no questions for clause {', '.join(missing[:10])}{' …' if len(missing) > 10 else ''}; "
            "add the files, or shorten the constitution (answer.clauses takes its first clauses only)"
        )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; answer.questions names a folder of JSON files, one per clause")
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    if not files:
        raise InputError(f"{folder} holds no *.json file; answer.questions names a folder with one file per clause")
    return files


def _read_file(path: Path) -> tuple[int, str, list[str]]:
    try:
        content: Any = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except json.JSONDecodeError as error:
        if error.doc.startswith("version https://git-lfs"):
            raise InputError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` first") from error
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply to be a file of questions") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object with clause_id, clause and questions")
    for key, kind, words in (
        ("clause_id", int, "a number"),
        ("clause", str, "a text"),
        ("questions", list, "a list of texts"),
    ):
        if key not in content:
            raise InputError(f"{path}: {key} is missing")
        if not isinstance(content[key], kind) or isinstance(content[key], bool):
            raise InputError(f"{path}: {key} must be {words}, not {json.dumps(content[key])[:60]}")
    _check_texts(path, content["questions"])
    return content["clause_id"], content["clause"], content["questions"]


def _check_texts(path: Path, questions: list[Any]) -> None:
    if not questions:
        raise InputError(f"{path}: questions is empty")
    seen: dict[str, int] = {}
    for i, text in enumerate(questions):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{path}: questions[{i}] must be a text that is not blank")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise InputError(f"{path}: questions[{i}] holds half of a surrogate pair (\\ud800 to \\udfff)")
        if text in seen:
            raise InputError(f"{path}: questions[{i}] repeats questions[{seen[text]}]; each must be asked once")
        seen[text] = i


def _check_clause(path: Path, clause_id: int, clause: str, constitution: Constitution) -> None:
    expected = constitution.clauses.get(clause_id)
    if expected is None:
        raise InputError(f"{path}: clause_id {clause_id} is not in the constitution")
    if clause.split() != expected.split():
        raise InputError(
            f"{path}: its clause {clause_id} reads {clause!r}, the constitution's reads {expected!r}; "
            "use the questions that were written for this constitution"
        )
