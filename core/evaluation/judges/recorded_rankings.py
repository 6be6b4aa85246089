"""Rankings that exist already, people's or another tool's, as a judge: read from a file, and nobody is asked.

The file is that of `dempo rank` (`core.ranking.files`). The k-th ranking of a question in it, from 0, is the judge's
call k; a question that has fewer than others has fewer calls. In which order answers were shown is known where the file
says it. What was read is a unit of its own: a run that goes on has to find the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import InputError
from core.evaluation.judges.judge import Call, Calls, request_key
from core.events import JudgeCalled, RankingsRead
from core.events.data import FileRead
from core.facts.judging.replies import READING_RULE
from core.facts.judging.requests import file_unit
from core.facts.plural import number_of
from core.ranking.counts import check_order
from core.ranking.files import body_of, listed_rankings
from core.ranking.shapes.orders import Listed
from core.sections.who_judges import JudgeModel
from core.stage import Context, Unit, only
from core.types import Question


@dataclass(frozen=True)
class RecordedRankings:
    """The rankings of a judge's file, by question and in the order of the file; shown are the orders in which the
    answers stood before the judge, beside them, each empty where it is not known."""

    file: FileRead
    of_question: Mapping[str, tuple[Listed, ...]]


def read_recorded(model: JudgeModel, names: Mapping[str, str]) -> RecordedRankings:
    """Reads the file of a recorded judge.

    Args:
        names: the run's conditions by what the file calls them.

    Raises:
        InputError: it cannot be read, orders other conditions, holds a ranking twice, or more than `rankings` of a
            question.
    """
    path = model.recorded
    assert path is not None, "the configuration of a recorded judge names a file"
    of_question: dict[str, tuple[Listed, ...]] = {}
    try:
        body = body_of(path)
        for one in listed_rankings(path, body):
            check_order(one.order, list(names), one.where)
            named = replace(one, order=_called(one.order, names), shown=_called(one.shown, names))
            of_question[one.question_id] = (*of_question.get(one.question_id, ()), named)
    except InputError as error:
        raise InputError(f"judge {model.label!r}: {error}") from None
    if not of_question:
        raise InputError(f"judge {model.label!r}: {path} holds no rankings; write one JSON object per line")
    most = max(of_question.values(), key=len)
    if len(most) > model.rankings:
        raise InputError(
            f"judge {model.label!r}: {path} holds {number_of(len(most), 'ranking')} of question "
            f"{most[0].question_id!r}, and rankings is {model.rankings}; raise it, or leave rankings out of the file"
        )
    rows = sum(map(len, of_question.values()))
    file = FileRead(name=path.name, bytes=len(body), sha256=hashlib.sha256(body).hexdigest(), rows=rows)
    return RecordedRankings(file, of_question)


def _called(order: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """What the run calls the conditions of an order."""
    return tuple(names[name] for name in order)


def check_questions(model: JudgeModel, found: RecordedRankings, questions: Sequence[Question]) -> None:
    """Refuses rankings of questions that are not asked, or that belong to another clause.

    Raises:
        InputError: with the first such question, and how many there are.
    """
    clauses = {question.question_id: question.clause_id for question in questions}
    others = [question for question in found.of_question if question not in clauses]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise InputError(
            f"judge {model.label!r}: {model.recorded} ranks answers to question {others[0]!r}{more}, which this run "
            "does not ask; leave these rankings out, or ask the questions"
        )
    for ranking in (ranking for listed in found.of_question.values() for ranking in listed):
        if ranking.clause not in (None, clauses[ranking.question_id]):
            raise InputError(
                f"judge {model.label!r}: {ranking.where} has question {ranking.question_id!r} under clause "
                f"{ranking.clause!r}, this run under clause {clauses[ranking.question_id]}; correct it, or leave "
                "'clause_id' out"
            )


def record_file(ctx: Context, model: JudgeModel, questions: Sequence[Question]) -> None:
    """Records what the file of a recorded judge holds, where that is not recorded yet; its calls are planned by it.

    Raises:
        InputError: as `read_recorded` and `check_questions` say.
    """

    def compute(unit: Unit) -> None:
        found = read_recorded(model, ctx.config.names_in_files)
        check_questions(model, found, questions)
        counts = {question: len(rankings) for question, rankings in found.of_question.items()}
        known = any(one.shown for listed in found.of_question.values() for one in listed)
        unit.add(RankingsRead(judge=model.label, file=found.file, rankings=counts, shown=known or None))

    ctx.unit(file_unit(model.label), compute)


def take_recorded(calls: Calls, found: RecordedRankings) -> str:
    """Records the rankings that are missing; none can fail ("").

    Raises:
        InputError: the file is not the one that was read before.
    """
    read = only(calls.ctx.recorded(file_unit(calls.model.label)) or (), RankingsRead)
    if read.file.sha256 != found.file.sha256:
        raise InputError(
            f"judge {calls.model.label!r}: {calls.model.recorded} is not the file that this run read before (SHA-256 "
            f"{read.file.sha256[:12]}…); put that one back, or clone the run"
        )
    for number, call in enumerate(calls.missing, start=calls.done + 1):
        ranking = found.of_question[call.question.question_id][call.index]
        calls.ctx.check_stop()
        unit = calls.ctx.begin(call.key)
        unit.add(_event(unit, call, ranking, found.file))
        unit.complete()
        calls.ctx.progress(number, calls.total, calls.model.label)
    return ""


def _event(unit: Unit, call: Call, ranking: Listed, file: FileRead) -> JudgeCalled:
    return JudgeCalled(
        question_id=call.question.question_id,
        clause_id=call.question.clause_id,
        judge=call.judge,
        judge_kind="recorded",
        outcome="ranked",
        shown_order=list(ranking.shown),
        ranking=list(ranking.order),
        attempts=1,
        reply=unit.text(json.dumps(list(ranking.order))),
        detail=f"by {ranking.judge} in {file.name}",
        request_key=request_key(
            replace(call, order=ranking.shown), None, call.question.question_id, {"file": file.sha256}
        ),
        rule=READING_RULE,
        seconds=0.0,
    )
