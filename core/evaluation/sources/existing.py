"""Answers that exist already: a file of one model, a folder of such files, or the record of another run.

A file is JSON Lines, one answer a line, as published answers are:

    {"question_id": "1:0", "response": "…", "clause_id": 1, "question": "…"}

`response` may be called `answer`; clause and question may be left out, and are compared where they are there. Lines of
questions that are not planned count for nothing, so a sample of the questions can be judged. A line of published
rankings holds the answers of all models in `responses`, of which the condition's own is taken, by its alias.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.files.jsonl import JsonLines
from core.errors import InputError
from core.events import AnswersRead
from core.facts.places import apart
from core.facts.plural import number_of
from core.sections.what_trains import ConditionSection
from core.types import Earlier, Question

EarlierRuns = Callable[[Path], Earlier]
"""Reads the record in the folder of a run; InputError where that cannot be done."""


@dataclass(frozen=True)
class Existing:
    """The answer to every planned question by its id, and where they stand."""

    answers: Mapping[str, str]
    read: AnswersRead


@dataclass(frozen=True)
class _Given:
    """One answer with what stands beside it; None where that is not said. `where` is its place, for people."""

    question_id: str
    answer: str
    clause_id: int | None
    question: str | None
    where: str


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a run."""
    return (path / "audit.db").is_file()


def answering_run(source: str) -> tuple[Path, str] | None:
    """The folder of the run whose answers a condition's source takes, and of which of its conditions ("" for the one of
    the same name); None where it names no run."""
    kind, rest = apart(source)
    path, _, of = rest.partition("#")
    return (Path(path), of) if kind == "answers:" and is_run(Path(path)) else None


def existing_answers(condition: ConditionSection, questions: Sequence[Question], earlier: EarlierRuns) -> Existing:
    """The answers that a condition's source `answers:…` names, one to every planned question.

    Raises:
        InputError: they cannot be read, one is missing, given twice or no text, or it answers another question.
    """
    what, run = f"condition {condition.name!r}", answering_run(condition.source)
    if run is not None:
        return _of_run(what, run[0], run[1] or condition.name, condition.name, questions, earlier)
    path, _, of = apart(condition.source)[1].partition("#")
    place = Path(path)
    if of:
        raise InputError(f"{what}: {place} is no folder of a run (it has no audit.db), so '#{of}' names nothing in it")
    return _of_file(what, place / f"{condition.name}.jsonl" if place.is_dir() else place, condition, questions)


def _of_file(what: str, path: Path, condition: ConditionSection, questions: Sequence[Question]) -> Existing:
    try:
        lines = JsonLines(path)
        given = [_given(row.where, row.values, condition.alias or condition.name) for row in lines]
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    answers = _matched(what, str(path), given, questions)
    file = lines.file_read()
    read = AnswersRead(condition=condition.name, name=file.name, rows=file.rows, sha256=file.sha256, bytes=file.bytes)
    return Existing(answers, read)


def _of_run(
    what: str, root: Path, of: str, condition: str, questions: Sequence[Question], earlier: EarlierRuns
) -> Existing:
    run = earlier(root)
    if of not in run.answers:
        known = ", ".join(map(repr, run.answers)) or "none of its conditions answered anything"
        raise InputError(f"{what}: run {run.run_id} has no answers of a condition {of!r} (it has: {known})")
    asked = {question.question_id: question for question in run.questions}
    given = [
        _Given(name, text, asked[name].clause_id, asked[name].text, f"run {run.run_id}, condition {of!r}")
        for name, text in run.answers[of].items()
    ]
    answers = _matched(what, f"run {run.run_id}", given, questions)
    read = AnswersRead(
        condition=condition, name=root.name, rows=len(given), run=run.run_id, of=of, head=run.head, events=run.events
    )
    return Existing(answers, read)


def _given(where: str, values: Mapping[str, Any], alias: str) -> _Given:
    """One line of a file."""
    if isinstance(values.get("responses"), Mapping):
        if alias not in values["responses"]:
            raise InputError(f"{where}: 'responses' holds no answer of {alias!r}, which `alias` says is the model")
        values = {**values, "response": values["responses"][alias]}
    named = [key for key in ("response", "answer") if key in values]
    if len(named) != 1:
        told = "neither 'response' nor 'answer'" if not named else "both 'response' and 'answer'"
        raise InputError(f"{where}: the line has {told}; it needs one of them, the text of the answer")
    for key in ("question_id", named[0]):
        if not isinstance(values.get(key), str):
            raise InputError(f"{where}: {key} must be a text, not {_shown(values.get(key))}")
    clause, question = values.get("clause_id"), values.get("question")
    if clause is not None and (not isinstance(clause, int) or isinstance(clause, bool)):
        raise InputError(f"{where}: clause_id must be a number, not {_shown(clause)}")
    if question is not None and not isinstance(question, str):
        raise InputError(f"{where}: question must be a text, not {_shown(question)}")
    return _Given(values["question_id"], values[named[0]], clause, question, where)


def _matched(what: str, where: str, given: Sequence[_Given], questions: Sequence[Question]) -> dict[str, str]:
    """The answers by their questions, in the planned order."""
    planned = {question.question_id: question for question in questions}
    found: dict[str, _Given] = {}
    for one in given:
        if one.question_id in found:
            first = found[one.question_id].where
            raise InputError(
                f"{what}: {one.where}: question {one.question_id!r} is answered twice, first in {first}; keep one"
            )
        found[one.question_id] = one
        if one.question_id in planned:
            _require_same(what, one, planned[one.question_id])
    missing = [name for name in planned if name not in found]
    if missing:
        raise InputError(
            f"{what}: {where} has no answer to {len(missing)} of the {number_of(len(planned), 'planned question')}, "
            f"the first is {missing[0]!r}; answer them, or plan fewer questions (answer.clauses, answer.per_clause)"
        )
    return {name: found[name].answer for name in planned}


def _require_same(what: str, one: _Given, question: Question) -> None:
    """Refuses an answer to another question of the same id."""
    if one.clause_id is not None and one.clause_id != question.clause_id:
        raise InputError(
            f"{what}: {one.where}: question {one.question_id!r} is one of clause {one.clause_id}, and the planned one "
            f"of clause {question.clause_id}; take the questions that were answered (answer.questions)"
        )
    if one.question is not None and one.question != question.text:
        raise InputError(
            f"{what}: {one.where}: question {one.question_id!r} reads {_shown(one.question)}, and the planned one "
            f"{_shown(question.text)}; take the questions that were answered (answer.questions)"
        )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 80 else f"{text[:79]}…"
