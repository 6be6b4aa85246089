"""The stage `answer`: the questions of a run, and what every condition answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.batches_of_questions import batch_sizes
from core.evaluation.constitution import Constitution
from core.evaluation.endpoints.shared import Shared
from core.evaluation.generate import clause_tasks, generate_questions
from core.evaluation.sources.asked import constitution_of, planned_from
from core.evaluation.sources.existing import EarlierRuns, existing_answers
from core.evaluation.sources.linked import linked_model
from core.evaluation.sources.received import Asking, answer_by_endpoint
from core.events import (
    AnswerGiven,
    AnswerRead,
    AnswerReceived,
    Clause,
    Event,
    PlannedQuestion,
    QuestionsPlanned,
)
from core.facts.sources import source_kind
from core.sections.what_trains import ConditionSection
from core.sections.who_judges import AnswerSection
from core.stage import Context, Unit, only
from core.types import Question

if TYPE_CHECKING:
    from core.training.stage import Trained

_PLAN = "questions"


def answer(ctx: Context, trained: Trained | tuple[()]) -> Answers:
    """Plans the questions and has every condition answer them: a model greedily, an endpoint, or what exists already.

    trained is () where no condition begins with the run's base model. Units: "questions", before it
    "clause:<number>" where a model writes them, and of each condition by its kind

    - "<condition>/<batch>" for every batch of `answer.batch` questions that a model on this machine answers, and
      before them "<condition>/model" where it is none of the run's own;
    - "<condition>/<question>" for every call of an endpoint;
    - "<condition>/answers" for all that exist.

    Raises:
        InputError: constitution, questions, answers or a checkpoint cannot be used.
        JudgeError: an endpoint cannot be used, or calls failed, once everything else is recorded.
    """
    section = ctx.config.answer
    if section is None:
        raise InputError("the configuration has no [answer]")
    earlier = cache(ctx.recorder.earlier)
    questions, batches = _questions(ctx, section, earlier)
    total = sum(_units_of(condition, len(questions), len(batches)) for condition in ctx.config.conditions)
    done, failures, shared = 0, list[str](), Shared(ctx.config, os.environ)
    for condition in ctx.config.conditions:
        own = _Answering(ctx, section, condition, questions, batches, earlier, shared, done, total)
        failures += filter(None, [_HOW.get(source_kind(condition.source), _own)(own, trained)])
        done += _units_of(condition, len(questions), len(batches))
    if failures:
        raise JudgeError(f"{'; '.join(failures)}. Everything else is recorded; `dempo resume` asks what failed again")
    return Answers(
        questions=questions,
        conditions=tuple(condition.name for condition in ctx.config.conditions),
        answers={
            (event.condition, event.question_id): ctx.recorder.text(text.sha256)
            for condition in ctx.config.conditions
            for key in _keys_of(condition, questions, len(batches))
            for event in ctx.recorded(key) or ()
            if isinstance(event, ANSWERS) and (text := event.answer) is not None
        },
        base=trained.base if trained else None,
    )


ANSWERS = (AnswerGiven, AnswerRead, AnswerReceived)
"""The kinds of events that are an answer."""


@dataclass(frozen=True)
class _Answering:
    """One condition that answers all questions; `done` of the `total` units of all conditions are those before it.

    `batches` are the sizes of those in which a model on this machine answers.
    """

    ctx: Context
    section: AnswerSection
    condition: ConditionSection
    questions: tuple[Question, ...]
    batches: Sequence[int]
    earlier: EarlierRuns
    shared: Shared
    done: int
    total: int

    def report(self, units: int, detail: str) -> None:
        """Tells people how far it is."""
        self.ctx.progress(self.done + units, self.total, detail)


def _own(answering: _Answering, trained: Trained | tuple[()]) -> str:
    assert trained, "a condition with the base model has a run that has one"
    _answer_all(answering, partial(trained.verified, answering.condition.name), trained.numbers)
    return ""


def _linked(answering: _Answering, trained: object) -> str:
    model = linked_model(answering.ctx, answering.condition, f"{answering.condition.name}/model")
    _answer_all(answering, model.verified)
    return ""


def _received(answering: _Answering, trained: object) -> str:
    ctx, condition = answering.ctx, answering.condition
    return answer_by_endpoint(ctx, condition, answering.questions, answering.shared, answering.report)


def _existing(answering: _Answering, trained: object) -> str:
    ctx, condition, questions = answering.ctx, answering.condition, answering.questions

    def compute(unit: Unit) -> None:
        found = existing_answers(condition, questions, answering.earlier)
        unit.add(found.read)
        for question in questions:
            unit.add(
                AnswerRead(
                    condition=condition.name,
                    question_id=question.question_id,
                    clause_id=question.clause_id,
                    answer=unit.text(found.answers[question.question_id]),
                )
            )

    ctx.unit(_existing_unit(condition.name), compute)
    answering.report(1, condition.name)
    return ""


_HOW: Mapping[str, Callable[[_Answering, Trained | tuple[()]], str]] = {
    "model": _linked,
    "endpoint": _received,
    "answers": _existing,
}
"""How a condition answers that does not begin with the base model, by the kind of its source.

Each gives a sentence about calls that failed, "" where none did."""


def _keys_of(condition: ConditionSection, questions: Sequence[Question], batches: int) -> list[str]:
    """The units of a condition that hold answers, in the order of the questions."""
    kind = source_kind(condition.source)
    if kind == "endpoint":
        return [Asking(condition.name, question).key for question in questions]
    if kind == "answers":
        return [_existing_unit(condition.name)]
    return [_batch_key(condition.name, index) for index in range(batches)]


def _units_of(condition: ConditionSection, questions: int, batches: int) -> int:
    """How many units a condition has."""
    kind = source_kind(condition.source)
    if kind in ("endpoint", "answers"):
        return questions if kind == "endpoint" else 1
    return batches + (kind == "model")


def _answer_all(answering: _Answering, verified: Callable[[], Path], numbers: str | None = None) -> None:
    """Answers the batches that are not recorded; the model is loaded only if there are any."""
    ctx, section, condition = answering.ctx, answering.section, answering.condition.name
    left = iter(answering.questions)
    batches = [tuple(islice(left, size)) for size in answering.batches]
    pending = set(ctx.pending([_batch_key(condition, index) for index in range(len(batches))]))
    if not pending:
        return
    ctx.check_stop()
    from core.evaluation.answers import Generated, greedy
    from core.evaluation.local_model import enough_memory, opened

    answering.report(0, f"{condition}: loading")

    def compute(unit: Unit, batch: tuple[Question, ...]) -> None:
        with enough_memory(f"answering as {condition!r}", len(batch)):
            texts = [question.text for question in batch]
            found: list[Generated] = greedy(local, texts, section.max_tokens, section.stop)
        for question, generated in zip(batch, found, strict=True):
            unit.add(
                AnswerGiven(
                    condition=condition,
                    question_id=question.question_id,
                    clause_id=question.clause_id,
                    answer=unit.text(generated.text),
                    tokens=generated.tokens,
                    finish=generated.finish,
                )
            )

    with opened(verified(), ctx.config.train, numbers=numbers) as local:
        for index, batch in enumerate(batches):
            key, begun = _batch_key(condition, index), time.monotonic()
            given = ctx.unit(key, partial(compute, batch=batch))
            told = _rate(given, time.monotonic() - begun) if key in pending else ""
            answering.report(index + 1, f"{condition}{told}")


def _rate(given: Sequence[Event], seconds: float) -> str:
    """How fast a batch was answered, to be added to a note."""
    tokens = sum(event.tokens for event in given if isinstance(event, AnswerGiven))
    return f": {tokens / seconds:,.0f} tokens/s" if seconds > 0 else ""


def _batch_key(condition: str, index: int) -> str:
    return f"{condition}/{index:05d}"


def _existing_unit(condition: str) -> str:
    """The unit of the answers of a condition that exist already."""
    return f"{condition}/answers"


def _questions(
    ctx: Context, section: AnswerSection, earlier: EarlierRuns
) -> tuple[tuple[Question, ...], Sequence[int]]:
    """The recorded plan of questions and the sizes of its batches, made first where there is none; announces units."""
    recorded = ctx.recorded(_PLAN)
    if recorded is None:
        constitution = constitution_of(section, earlier)
        used = constitution.first(section.clauses)
        if section.generate is None:
            read = planned_from(section, constitution, earlier)
            _announce(ctx, len(read), len(batch_sizes([q.text for q in read], section)), 0)
        else:
            count = min(section.generate.per_clause, section.per_clause or section.generate.per_clause)
            written = len(clause_tasks(used))
            _announce(ctx, written * count, -(-written * count // section.batch), written)
            read = generate_questions(ctx, section.generate, used, count)
        origin = "file" if section.generate is None else section.generate.model
        record = partial(_record_plan, constitution=used, questions=read, origin=origin, section=section)
        recorded = ctx.unit(_PLAN, record)
        return planned_questions(recorded, ctx.recorder.text), _batches(recorded, section)
    questions, batches = planned_questions(recorded, ctx.recorder.text), _batches(recorded, section)
    written = 0 if section.generate is None else len({question.clause_id for question in questions})
    _announce(ctx, len(questions), len(batches), written)
    return questions, batches


def _batches(plan: Sequence[Event], section: AnswerSection) -> Sequence[int]:
    planned = only(plan, QuestionsPlanned)
    return planned.batches or batch_sizes([""] * len(planned.questions), section)


def _announce(ctx: Context, questions: int, batches: int, written: int) -> None:
    ctx.plan(written + 1 + sum(_units_of(condition, questions, batches) for condition in ctx.config.conditions))


def _record_plan(
    unit: Unit, constitution: Constitution, questions: Sequence[Question], origin: str, section: AnswerSection
) -> None:
    sizes = None if section.batch_tokens is None else batch_sizes([q.text for q in questions], section)
    unit.add(
        QuestionsPlanned(
            constitution=unit.text(constitution.text),
            clauses=[Clause(clause_id=n, text=unit.text(text)) for n, text in constitution.clauses.items()],
            questions=[
                PlannedQuestion(question_id=q.question_id, clause_id=q.clause_id, text=unit.text(q.text))
                for q in questions
            ],
            origin=origin,
            batches=sizes,
        )
    )


def planned_questions(events: Sequence[Event], text: Callable[[str], str]) -> tuple[Question, ...]:
    """The questions of a recorded plan; `text` gives a text by its SHA-256."""
    plan = only(events, QuestionsPlanned)
    clauses = {clause.clause_id: text(clause.text.sha256) for clause in plan.clauses}
    return tuple(
        Question(q.question_id, q.clause_id, clauses[q.clause_id], text(q.text.sha256)) for q in plan.questions
    )
