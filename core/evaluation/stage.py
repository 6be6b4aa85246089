"""The stages `answer` and `judge`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import AnswerSection, ConditionSection, RunConfig
from core.errors import DempoError, InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.constitution import Constitution
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.generate import clause_tasks, generate_questions
from core.evaluation.judges.judge import Calls, judged, plan_calls
from core.evaluation.judges.kinds import KINDS
from core.evaluation.prompts import labels_for
from core.evaluation.sources.asked import constitution_of, planned_from
from core.evaluation.sources.existing import EarlierRuns, existing_answers, unread_run
from core.evaluation.sources.linked import linked_model, named_model, untrained
from core.evaluation.sources.received import Asking, answer_by_endpoint
from core.events import AnswerGiven, AnswerRead, AnswerReceived, Clause, Event, PlannedQuestion, QuestionsPlanned
from core.facts.places import apart
from core.facts.sources import source_kind
from core.stage import Context, Unit, only
from core.training.possible import check_model
from core.types import Judged, Question

if TYPE_CHECKING:
    from core.training.stage import Trained

_PLAN = "questions"


def check_evaluation(config: RunConfig, earlier: EarlierRuns = unread_run) -> Iterator[DempoError]:
    """Every reason why `answer` and `judge` would be refused after training: files, addresses, keys, counts.

    For runs that start; a resumed one reads constitution and questions from its record.
    """
    if config.answer is None or not config.conditions:
        return
    checks: list[Callable[[], object]] = [partial(_check_questions, config, config.answer, cache(earlier))]
    checks += [
        partial(check_model, untrained(apart(c.source)[1]), named_model(c))
        for c in config.conditions
        if source_kind(c.source) == "model"
    ]
    checks += [partial(endpoint_for, config, c.asked, os.environ) for c in config.conditions if c.asked]
    if config.judge is not None:
        checks.append(partial(labels_for, len(config.conditions)))
        checks += [partial(KINDS[model.kind].ready, config, model, None) for model in config.judge.judges]
    for check in checks:
        try:
            check()
        except DempoError as error:
            yield error


def _check_questions(config: RunConfig, section: AnswerSection, earlier: EarlierRuns) -> None:
    """Refuses questions that cannot be read, and answers that exist and do not fit them."""
    constitution = constitution_of(section, earlier)
    if section.generate is not None:
        endpoint_for(config, section.generate, os.environ)
        existing = [c.name for c in config.conditions if source_kind(c.source) == "answers"]
        if existing:
            raise InputError(
                f"condition {existing[0]!r}: answers that exist answer questions that exist; give answer.questions in "
                "place of [answer.generate]"
            )
        return
    questions = planned_from(section, constitution, earlier)
    for condition in config.conditions:
        if source_kind(condition.source) == "answers":
            existing_answers(condition, questions, earlier)


# ---------------------------------------------------------------- answer


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
    questions = _questions(ctx, section, earlier)
    total = sum(_units_of(condition, len(questions), section.batch) for condition in ctx.config.conditions)
    done, failures = 0, list[str]()
    for condition in ctx.config.conditions:
        own = _Answering(ctx, section, condition, questions, earlier, done, total)
        failures += filter(None, [_HOW.get(source_kind(condition.source), _own)(own, trained)])
        done += _units_of(condition, len(questions), section.batch)
    if failures:
        raise JudgeError(f"{'; '.join(failures)}. Everything else is recorded; `dempo resume` asks what failed again")
    return Answers(
        questions=questions,
        conditions=tuple(condition.name for condition in ctx.config.conditions),
        answers={
            (event.condition, event.question_id): ctx.recorder.text(text.sha256)
            for condition in ctx.config.conditions
            for key in _keys_of(condition, questions, section.batch)
            for event in ctx.recorded(key) or ()
            if isinstance(event, ANSWERS) and (text := event.answer) is not None
        },
        base=trained.base if trained else None,
    )


ANSWERS = (AnswerGiven, AnswerRead, AnswerReceived)
"""The kinds of events that are an answer."""


@dataclass(frozen=True)
class _Answering:
    """One condition that answers all questions; `done` of the `total` units of all conditions are those before it."""

    ctx: Context
    section: AnswerSection
    condition: ConditionSection
    questions: tuple[Question, ...]
    earlier: EarlierRuns
    done: int
    total: int

    def report(self, units: int, detail: str) -> None:
        """Tells people how far it is."""
        self.ctx.progress(self.done + units, self.total, detail)


def _own(answering: _Answering, trained: Trained | tuple[()]) -> str:
    assert trained, "a condition with the base model has a run that has one"
    _answer_all(answering, partial(trained.verified, answering.condition.name))
    return ""


def _linked(answering: _Answering, trained: object) -> str:
    model = linked_model(answering.ctx, answering.condition, f"{answering.condition.name}/model")
    _answer_all(answering, model.verified)
    return ""


def _received(answering: _Answering, trained: object) -> str:
    return answer_by_endpoint(answering.ctx, answering.condition, answering.questions, answering.report)


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


def _keys_of(condition: ConditionSection, questions: Sequence[Question], batch: int) -> list[str]:
    """The units of a condition that hold answers, in the order of the questions."""
    kind = source_kind(condition.source)
    if kind == "endpoint":
        return [Asking(condition.name, question).key for question in questions]
    if kind == "answers":
        return [_existing_unit(condition.name)]
    return [_batch_key(condition.name, index) for index in range(-(-len(questions) // batch))]


def _units_of(condition: ConditionSection, questions: int, batch: int) -> int:
    """How many units a condition has."""
    kind = source_kind(condition.source)
    if kind in ("endpoint", "answers"):
        return questions if kind == "endpoint" else 1
    return -(-questions // batch) + (kind == "model")


def _answer_all(answering: _Answering, verified: Callable[[], Path]) -> None:
    """Answers the batches that are not recorded; the model is loaded only if there are any."""
    ctx, section, condition = answering.ctx, answering.section, answering.condition.name
    questions = answering.questions
    batches = [questions[i : i + section.batch] for i in range(0, len(questions), section.batch)]
    pending = ctx.pending([_batch_key(condition, index) for index in range(len(batches))])
    if not pending:
        return
    ctx.check_stop()
    from core.evaluation.answers import Generated, greedy
    from core.evaluation.local_model import enough_memory, opened

    answering.report(0, f"{condition}: loading")

    def compute(unit: Unit, batch: tuple[Question, ...]) -> None:
        with enough_memory(f"answering as {condition!r}", section.batch):
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

    with opened(verified(), ctx.config.train) as local:
        for index, batch in enumerate(batches):
            ctx.unit(_batch_key(condition, index), partial(compute, batch=batch))
            answering.report(index + 1, condition)


def _batch_key(condition: str, index: int) -> str:
    return f"{condition}/{index:05d}"


def _existing_unit(condition: str) -> str:
    """The unit of the answers of a condition that exist already."""
    return f"{condition}/answers"


def _questions(ctx: Context, section: AnswerSection, earlier: EarlierRuns) -> tuple[Question, ...]:
    """The recorded plan of questions, made first where there is none; announces the stage's units."""
    recorded = ctx.recorded(_PLAN)
    if recorded is None:
        constitution = constitution_of(section, earlier)
        used = constitution.first(section.clauses)
        if section.generate is None:
            read = planned_from(section, constitution, earlier)
            _announce(ctx, len(read), 0)
        else:
            count = min(section.generate.per_clause, section.per_clause or section.generate.per_clause)
            written = len(clause_tasks(used))
            _announce(ctx, written * count, written)
            read = generate_questions(ctx, section.generate, used, count)
        origin = "file" if section.generate is None else section.generate.model
        recorded = ctx.unit(_PLAN, partial(_record_plan, constitution=used, questions=read, origin=origin))
        return planned_questions(recorded, ctx.recorder.text)
    questions = planned_questions(recorded, ctx.recorder.text)
    written = 0 if section.generate is None else len({question.clause_id for question in questions})
    _announce(ctx, len(questions), written)
    return questions


def _announce(ctx: Context, questions: int, written: int) -> None:
    batch = ctx.config.answer.batch if ctx.config.answer else 1
    ctx.plan(written + 1 + sum(_units_of(condition, questions, batch) for condition in ctx.config.conditions))


def _record_plan(unit: Unit, constitution: Constitution, questions: Sequence[Question], origin: str) -> None:
    unit.add(
        QuestionsPlanned(
            constitution=unit.text(constitution.text),
            clauses=[Clause(clause_id=n, text=unit.text(text)) for n, text in constitution.clauses.items()],
            questions=[
                PlannedQuestion(question_id=q.question_id, clause_id=q.clause_id, text=unit.text(q.text))
                for q in questions
            ],
            origin=origin,
        )
    )


def planned_questions(events: Sequence[Event], text: Callable[[str], str]) -> tuple[Question, ...]:
    """The questions of a recorded plan; `text` gives a text by its SHA-256."""
    plan = only(events, QuestionsPlanned)
    clauses = {clause.clause_id: text(clause.text.sha256) for clause in plan.clauses}
    return tuple(
        Question(q.question_id, q.clause_id, clauses[q.clause_id], text(q.text.sha256)) for q in plan.questions
    )


# ---------------------------------------------------------------- judge


def judge(ctx: Context, answers: Answers) -> Judged:
    """Lets every judge rank the answers to every question, `rankings` times each; a call is a unit.

    Raises:
        InputError: too few or too many conditions, or a local judge that cannot be used.
        JudgeError: an endpoint cannot be used, or must not be given the key; or a call failed, once every other one
            is recorded; or no call gave a ranking.
    """
    section = ctx.config.judge
    if section is None:
        raise InputError("the configuration has no [judge]")
    labels_for(len(answers.conditions))
    calls = plan_calls(ctx, section.judges, answers)
    ctx.plan(len(calls))
    pending = set(ctx.pending([call.key for call in calls]))
    by_judge = [[call for call in calls if call.model is model] for model in section.judges]
    wanted = [model for model, own in zip(section.judges, by_judge, strict=True) if any(c.key in pending for c in own)]
    ready = {model.label: KINDS[model.kind].ready(ctx.config, model, answers.base) for model in wanted}
    done = len(calls) - len(pending)
    failures = []
    for model, own in zip(section.judges, by_judge, strict=True):
        missing = [call for call in own if call.key in pending]
        if missing:
            of_model = Calls(ctx, model, own, missing, answers, done, len(calls))
            failures.append(KINDS[model.kind].ask(of_model, ready[model.label]))
            done += len(missing)
    if any(failures):
        raise JudgeError(
            f"{'; '.join(filter(None, failures))}. Everything else is recorded; `dempo resume` asks what failed again. "
            "A call that its judge can never answer (its prompt is too long for the model, say) needs another judge: "
            "`dempo clone`"
        )
    found = judged(ctx, calls, answers)
    if not found.rankings:
        raise JudgeError(
            f"none of the {len(calls)} judge calls gave a ranking (the view judge_calls says what came of each); "
            "clone the run with another judge"
        )
    return found
