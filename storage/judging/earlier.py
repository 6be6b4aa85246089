"""What another run asked and was answered, for a run that goes on from there (`core.types.Earlier`)."""

from __future__ import annotations

from pathlib import Path

from core.errors import DempoError, InputError
from core.evaluation.answering import ANSWERS, planned_questions
from core.events import QuestionsPlanned
from core.run_folder import RunFolder
from core.stage import only
from core.types import Earlier
from storage.replay.repetition import Recorded


def earlier_run(root: Path) -> Earlier:
    """Questions, constitution and answers of the run in a folder, texts exactly as recorded.

    Raises:
        InputError: its record cannot be read, or holds no questions, or not their texts.
    """
    try:
        with Recorded(RunFolder(root)) as record:
            return _read(record)
    except InputError:
        raise
    except (DempoError, KeyError, ValueError) as error:
        raise InputError(f"cannot read the answers of run {root.name}: {error}") from error


def _read(record: Recorded) -> Earlier:
    units, run_id = record.completed("answer"), record.genesis.run_id
    if "questions" not in units:
        raise InputError(f"run {run_id} ({record.folder.root}) has planned no questions yet, so it has no answers")
    plan = units["questions"]
    answers: dict[str, dict[str, str]] = {}
    for event in (event for events in units.values() for event in events):
        if isinstance(event, ANSWERS) and event.answer is not None:
            answers.setdefault(event.condition, {})[event.question_id] = record.text(event.answer.sha256)
    return Earlier(
        run_id=run_id,
        head=record.head_hash,
        events=record.head,
        constitution=record.text(only(plan, QuestionsPlanned).constitution.sha256),
        questions=planned_questions(plan, record.text),
        answers=answers,
    )
