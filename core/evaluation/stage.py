"""The stages `answer` and `judge`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import AnswerSection, ConditionSection, JudgeModel, RunConfig
from core.errors import DempoError, InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.budget import Budget
from core.evaluation.constitution import Constitution
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.endpoints.shared import Shared
from core.evaluation.generate import clause_tasks, generate_questions
from core.evaluation.judges.judge import Call, Calls, judged, plan_calls
from core.evaluation.judges.kinds import KINDS
from core.evaluation.judges.recorded_rankings import check_questions, read_recorded, record_file
from core.evaluation.judges.taken_over import asks_nothing, require_same_judge, take_over
from core.evaluation.prompts import labels_for
from core.evaluation.sources.asked import constitution_of, planned_from
from core.evaluation.sources.existing import EarlierRuns, existing_answers
from core.evaluation.sources.linked import linked_model, named_model, untrained
from core.evaluation.sources.received import Asking, answer_by_endpoint
from core.events import (
    AnswerGiven,
    AnswerRead,
    AnswerReceived,
    Clause,
    Event,
    JudgeCalled,
    PlannedQuestion,
    QuestionsPlanned,
)
from core.events.earlier_calls import OtherRuns, UnreadRuns
from core.facts.places import apart
from core.facts.plural import number_of
from core.facts.sources import source_kind
from core.stage import Context, Unit, only
from core.training.possible import check_model
from core.types import Judged, Question

if TYPE_CHECKING:
    from core.training.stage import Trained

_PLAN = "questions"


def check_evaluation(config: RunConfig, others: OtherRuns = UnreadRuns()) -> Iterator[DempoError]:
    """Every reason why `answer` and `judge` would be refused after training: files, addresses, keys, counts.

    For runs that start; a resumed one reads constitution and questions from its record.

    Args:
        calls_of: reads the judge calls of another run, where the configuration names one.
    """
    if config.answer is None or not config.conditions:
        return
    earlier = cache(others.earlier)
    checks: list[Callable[[], object]] = [partial(_check_questions, config, config.answer, earlier)]
    checks += [
        partial(check_model, untrained(apart(c.source)[1]), named_model(c))
        for c in config.conditions
        if source_kind(c.source) == "model"
    ]
    checks += [partial(endpoint_for, config, c.asked, os.environ) for c in config.conditions if c.asked]
    if config.judge is not None:
        checks.append(partial(labels_for, len(config.conditions)))
        checks += [partial(_check_judge, config, model, others) for model in config.judge.judges]
        if config.rank.gold is not None:
            checks.append(partial(_check_gold, config, config.answer, config.rank.gold, earlier))
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
    names = [condition.name for condition in config.conditions]
    for model in config.judge.judges if config.judge else ():
        if model.kind == "recorded":
            check_questions(model, read_recorded(model, names), questions)


def _check_gold(config: RunConfig, section: AnswerSection, path: Path, earlier: EarlierRuns) -> None:
    """Whether the rankings by people are of this run's questions and conditions; what is wrong with the questions
    themselves is said by their own check."""
    from core.ranking.gold import read_gold

    questions: dict[str, int | None] | None = None
    if section.generate is None:
        try:
            read = planned_from(section, constitution_of(section, earlier), earlier)
        except InputError:
            return
        questions = {question.question_id: question.clause_id for question in read}
    read_gold(path, [condition.name for condition in config.conditions], questions)


def _check_judge(config: RunConfig, model: JudgeModel, others: OtherRuns) -> None:
    """A judge of which another run has every call needs neither key nor model: nobody is asked."""
    if model.takes_over and model.recorded is not None:
        before = others.earlier_calls(model.recorded, model.label)
        require_same_judge(config, model, [condition.name for condition in config.conditions], before)
        if asks_nothing(model, before):
            return
    KINDS[model.kind].ready(config, model, None)


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
    done, failures, shared = 0, list[str](), Shared(ctx.config, os.environ)
    for condition in ctx.config.conditions:
        own = _Answering(ctx, section, condition, questions, earlier, shared, done, total)
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
    shared: Shared
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
    pending = set(ctx.pending([_batch_key(condition, index) for index in range(len(batches))]))
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
        JudgeError: an endpoint cannot be used, or must not be given the key; or the budget is reached; or a call
            failed, once every other one is recorded; or no call gave a ranking.
    """
    section = ctx.config.judge
    if section is None:
        raise InputError("the configuration has no [judge]")
    labels_for(len(answers.conditions))
    from_files = [model for model in section.judges if model.kind == "recorded"]
    for model in from_files:
        record_file(ctx, model, answers.conditions, answers.questions)
    calls = plan_calls(ctx, section, answers)
    if not calls and section.ties is not None:
        raise JudgeError(
            f"all answers to each of the {number_of(len(answers.questions), 'question')} are the same text, and "
            'judge.ties = "skip" asks nobody about such questions; clone the run with other conditions, more training, '
            "or without judge.ties"
        )
    ctx.plan(len(from_files) + len(calls))
    by_judge = [[call for call in calls if call.model is model] for model in section.judges]
    shared = Shared(ctx.config, os.environ)
    for model, own in zip(section.judges, by_judge, strict=True):
        _take_over(ctx, model, own, answers, shared)
    pending = set(ctx.pending([call.key for call in calls]))
    wanted = [model for model, own in zip(section.judges, by_judge, strict=True) if any(c.key in pending for c in own)]
    ready = {model.label: KINDS[model.kind].ready(ctx.config, model, answers.base) for model in wanted}
    done = len(calls) - len(pending)
    budget = _budget(ctx, calls)
    failures = []
    for model, own in zip(section.judges, by_judge, strict=True):
        missing = [call for call in own if call.key in pending]
        if missing:
            of_model = Calls(ctx, model, own, missing, answers, done, len(calls), shared, budget)
            failures.append(KINDS[model.kind].ask(of_model, ready[model.label]))
            done += len(missing)
    if any(failures):
        raise JudgeError(
            f"{'; '.join(filter(None, failures))}. Everything else is recorded; `dempo resume` asks what failed again. "
            "Calls that their judge can never answer (a prompt is too long for the model, say) are given up by "
            f"`dempo resume {ctx.folder.root.name} --set judge.give_up=true`: they count as lost"
        )
    found = judged(ctx, calls, answers)
    if not found.rankings:
        raise JudgeError(
            f"none of the {len(calls)} judge calls gave a ranking (the view judge_calls says what came of each); "
            "clone the run with another judge"
        )
    return found


def _take_over(ctx: Context, model: JudgeModel, own: list[Call], answers: Answers, shared: Shared) -> None:
    """Records what another run's judge of the same label said, where the configuration names that run."""
    pending = set(ctx.pending([call.key for call in own]))
    if model.takes_over and model.recorded is not None and pending:
        missing = [call for call in own if call.key in pending]
        calls = Calls(ctx, model, own, missing, answers, len(own) - len(missing), len(own), shared)
        take_over(calls, ctx.recorder.earlier_calls(model.recorded, model.label), os.environ)


def _budget(ctx: Context, calls: Sequence[Call]) -> Budget | None:
    """The budget, with what the recorded calls have cost; None where there is none."""
    paid = [call for call in calls if call.model.kind == "openai"]
    budget = Budget.of(ctx.config, ctx.folder.root.name, len(paid))
    if budget is None:
        return None
    for call in paid:
        for event in ctx.recorded(call.key) or ():
            if isinstance(event, JudgeCalled) and event.taken_from is None and event.reply is not None:
                shown = event.prompt if event.prompt_tokens is None else None
                budget.add(call.model, event, len(ctx.recorder.text(shown.sha256)) if shown else 0)
    return budget
