"""Constitution and questions of a run that writes none: from files, or those of another run, word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from core.evaluation.constitution import Constitution, parse_constitution, read_constitution
from core.evaluation.question_lines import clauses_in_lines, questions_in_lines
from core.evaluation.questions import clauses_in_files, read_questions, require_all_clauses
from core.evaluation.sources.existing import EarlierRuns, is_run
from core.sections.who_judges import AnswerSection
from core.types import Question


def constitution_of(section: AnswerSection, earlier: EarlierRuns) -> Constitution:
    """The constitution that the configuration names, or that of the run that it names as `answer.questions`, or the
    clauses that stand beside the questions.

    Raises:
        InputError: it cannot be read, or the two are not the same.
    """
    given = None if section.constitution is None else read_constitution(section.constitution)
    run = _run_of(section)
    if run is None:
        if given is None:
            assert section.questions is not None, "a model that writes questions is given a constitution"
            return clauses_of_questions(section.questions)
        return given
    told = earlier(run)
    theirs = parse_constitution(told.constitution, where=f"the constitution of run {told.run_id}")
    if given is not None and given.clauses != theirs.clauses:
        raise InputError(
            f"answer.constitution: {section.constitution} is not the constitution of run {told.run_id}, whose "
            "questions are asked; leave it out"
        )
    return theirs


def planned_from(section: AnswerSection, constitution: Constitution, earlier: EarlierRuns) -> tuple[Question, ...]:
    """The questions that are asked: of the first `clauses` of the constitution the first `per_clause` each.

    Raises:
        InputError: they cannot be read, or a clause has none.
    """
    assert section.questions is not None, "the configuration names a folder or a model"
    used, run = constitution.first(section.clauses), _run_of(section)
    if run is None and section.questions.is_file():
        every = _first_of_each(questions_in_lines(section.questions, constitution), section.per_clause)
    elif run is None:
        every = read_questions(section.questions, constitution, section.per_clause)
    else:
        every = _first_of_each(earlier(run).questions, section.per_clause)
    questions = tuple(question for question in every if question.clause_id in used.clauses)
    require_all_clauses(questions, used, section.questions)
    return questions


def clauses_of_questions(questions: Path) -> Constitution:
    """The clauses that files of questions, or lines of published rankings or answers, name beside their questions.

    Raises:
        InputError: they cannot be read, or two give one clause other words.
    """
    found = clauses_in_lines(questions) if questions.is_file() else clauses_in_files(questions)
    text = "".join(f"{number}. {' '.join(found[number].split())}\n" for number in sorted(found))
    return parse_constitution(text, where=f"the clauses in {questions}")


def _first_of_each(questions: Sequence[Question], count: int | None) -> tuple[Question, ...]:
    """The first `count` questions of every clause (None: all of them), in their order."""
    taken = Counter[int]()
    found = []
    for question in questions:
        taken[question.clause_id] += 1
        if count is None or taken[question.clause_id] <= count:
            found.append(question)
    return tuple(found)


def _run_of(section: AnswerSection) -> Path | None:
    """The run whose questions are asked; None where they stand in files."""
    return section.questions if section.questions is not None and is_run(section.questions) else None
