"""The stages `answer` and `judge`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from core.config import AnswerSection, RunConfig
from core.errors import DempoError, InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.budget import Budget
from core.evaluation.constitution import Constitution, read_constitution
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.generate import clause_tasks, generate_questions
from core.evaluation.judges.judge import Call, Calls, judged, plan_calls
from core.evaluation.judges.kinds import KINDS
from core.evaluation.prompts import labels_for
from core.evaluation.questions import read_questions, require_all_clauses
from core.events import AnswerGiven, Clause, Event, JudgeCalled, PlannedQuestion, QuestionsPlanned
from core.stage import Context, Unit, only
from core.types import Judged, Question

if TYPE_CHECKING:
    from core.training.stage import Trained

_PLAN = "questions"


def check_evaluation(config: RunConfig) -> Iterator[DempoError]:
    """Every reason why `answer` and `judge` would be refused after training: files, addresses, keys, counts.

    For runs that start; a resumed one reads constitution and questions from its record.
    """
    if config.answer is None or not config.conditions:
        return
    checks: list[Callable[[], object]] = [partial(_check_questions, config, config.answer)]
    if config.judge is not None:
        checks.append(partial(labels_for, len(config.conditions)))
        checks += [partial(KINDS[model.kind].ready, config, model, None) for model in config.judge.judges]
    for check in checks:
        try:
            check()
        except DempoError as error:
            yield error


def _check_questions(config: RunConfig, section: AnswerSection) -> None:
    constitution = read_constitution(section.constitution)
    if section.generate is None:
        _read(section, constitution, constitution.first(section.clauses))
    else:
        endpoint_for(config, section.generate, os.environ)


# ---------------------------------------------------------------- answer


def answer(ctx: Context, trained: Trained) -> Answers:
    """Plans the questions and lets every condition's model answer them, greedily.

    Units: "questions", before it "clause:<number>" where a model writes them, and "<condition>/<batch>"
    for every batch of `answer.batch` questions.

    Raises:
        InputError: constitution, questions or a checkpoint cannot be used.
        JudgeError: the endpoint that writes the questions cannot be used.
    """
    section = ctx.config.answer
    if section is None:
        raise InputError("the configuration has no [answer]")
    questions = _questions(ctx, section, conditions=len(trained.models))
    batches = [questions[i : i + section.batch] for i in range(0, len(questions), section.batch)]
    for number, condition in enumerate(trained.models):
        _answer_all(ctx, section, trained, condition, batches, done=number * len(batches))
    given = [
        event
        for condition in trained.models
        for index in range(len(batches))
        for event in ctx.recorded(_batch_key(condition, index)) or ()
        if isinstance(event, AnswerGiven)
    ]
    return Answers(
        questions=questions,
        conditions=tuple(trained.models),
        answers={(event.condition, event.question_id): ctx.recorder.text(event.answer.sha256) for event in given},
        base=trained.base,
    )


def _answer_all(
    ctx: Context,
    section: AnswerSection,
    trained: Trained,
    condition: str,
    batches: Sequence[tuple[Question, ...]],
    done: int,
) -> None:
    """Answers the batches of one condition that are not recorded; the model is loaded only if there are any."""
    pending = ctx.pending([_batch_key(condition, index) for index in range(len(batches))])
    if not pending:
        return
    ctx.check_stop()
    from core.evaluation.answers import Generated, greedy
    from core.evaluation.local_model import enough_memory, opened

    total = len(trained.models) * len(batches)
    ctx.progress(done, total, f"{condition}: loading")

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

    with opened(trained.verified(condition), ctx.config.train) as local:
        for index, batch in enumerate(batches):
            ctx.unit(_batch_key(condition, index), partial(compute, batch=batch))
            ctx.progress(done + index + 1, total, condition)


def _batch_key(condition: str, index: int) -> str:
    return f"{condition}/{index:05d}"


def _questions(ctx: Context, section: AnswerSection, conditions: int) -> tuple[Question, ...]:
    """The recorded plan of questions, made first where there is none; announces the stage's units."""
    recorded = ctx.recorded(_PLAN)
    if recorded is None:
        constitution = read_constitution(section.constitution)
        used = constitution.first(section.clauses)
        if section.generate is None:
            read = _read(section, constitution, used)
            _announce(ctx, len(read), 0, conditions, section.batch)
        else:
            count = min(section.generate.per_clause, section.per_clause or section.generate.per_clause)
            written = len(clause_tasks(used))
            _announce(ctx, written * count, written, conditions, section.batch)
            read = generate_questions(ctx, section.generate, used, count)
        origin = "file" if section.generate is None else section.generate.model
        recorded = ctx.unit(_PLAN, partial(_record_plan, constitution=used, questions=read, origin=origin))
        return planned_questions(recorded, ctx.recorder.text)
    questions = planned_questions(recorded, ctx.recorder.text)
    written = 0 if section.generate is None else len({question.clause_id for question in questions})
    _announce(ctx, len(questions), written, conditions, section.batch)
    return questions


def _announce(ctx: Context, questions: int, written: int, conditions: int, batch: int) -> None:
    ctx.plan(written + 1 + conditions * -(-questions // batch))


def _read(section: AnswerSection, constitution: Constitution, used: Constitution) -> tuple[Question, ...]:
    assert section.questions is not None, "the configuration names a folder or a model"
    questions = read_questions(section.questions, constitution, section.per_clause)
    questions = tuple(question for question in questions if question.clause_id in used.clauses)
    require_all_clauses(questions, used, section.questions)
    return questions


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
        JudgeError: an endpoint cannot be used, or must not be given the key; or the budget is reached; or a call
            failed, once every other one is recorded; or no call gave a ranking.
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
    budget = _budget(ctx, calls)
    failures = []
    for model, own in zip(section.judges, by_judge, strict=True):
        missing = [call for call in own if call.key in pending]
        if missing:
            of_model = Calls(ctx, model, own, missing, answers, done, len(calls), budget)
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


def _budget(ctx: Context, calls: Sequence[Call]) -> Budget | None:
    """The budget, with what the recorded calls have cost; None where there is none."""
    paid = [call for call in calls if call.model.kind == "openai"]
    budget = Budget.of(ctx.config, ctx.folder.root.name, len(paid))
    if budget is None:
        return None
    for call in paid:
        for event in ctx.recorded(call.key) or ():
            if isinstance(event, JudgeCalled):
                shown = event.prompt if event.prompt_tokens is None else None
                budget.add(call.model, event, len(ctx.recorder.text(shown.sha256)) if shown else 0)
    return budget
