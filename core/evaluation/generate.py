"""Questions written by a model behind an OpenAI-compatible endpoint, one unit per clause.

Which of a reply are taken is said in `core.facts.judging.written`. It depends on the clauses that are recorded already,
so it is decided where a clause is recorded: a reply that had enough when it came, and has not any more since another
clause was recorded meanwhile, is asked for again in the next round.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.errors import JudgeError
from core.evaluation.calls import run_concurrently
from core.evaluation.constitution import Constitution
from core.evaluation.endpoints.completions import Completions, Interrupted, Reply
from core.evaluation.endpoints.dialect import Request
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.endpoints.shared import Shared
from core.evaluation.prompts import questions_schema, recorded_prompt, template_text, writer_messages
from core.events import QuestionsGenerated
from core.facts.judging.replies import Malformed
from core.facts.judging.requests import WRITING_TRIES, writing_key, writing_parameters
from core.facts.judging.written import WRITING_RULE, Taken, written_questions
from core.sections.who_judges import GenerateSection
from core.stage import Context, Unit
from core.types import Question

CONCURRENCY = 4
TIMEOUT = 300.0
RETRIES = 4


@dataclass(frozen=True)
class ClauseTask:
    """One clause to write questions for; why earlier tries were not enough, and the requests that they took."""

    key: str
    clause_id: int
    clause: str
    problems: tuple[str, ...] = ()
    attempts: int = 0


def clause_tasks(constitution: Constitution) -> list[ClauseTask]:
    """One task per clause, in order."""
    return [ClauseTask(f"clause:{number}", number, text) for number, text in constitution.clauses.items()]


def generate_questions(
    ctx: Context, section: GenerateSection, constitution: Constitution, per_clause: int
) -> tuple[Question, ...]:
    """`per_clause` questions for every clause; clauses that are recorded are not asked for again.

    Raises:
        JudgeError: the endpoint cannot be used, or keeps answering with something else.
    """
    tasks = clause_tasks(constitution)
    pending = [task for task in tasks if ctx.recorded(task.key) is None]
    if pending:
        taken = Taken()
        for question in _recorded(ctx, tasks):
            taken.add(question.text)
        _write(ctx, section, pending, per_clause, taken)
    return tuple(_recorded(ctx, tasks))


def _recorded(ctx: Context, tasks: Sequence[ClauseTask]) -> Iterator[Question]:
    for task in tasks:
        for event in ctx.recorded(task.key) or ():
            if isinstance(event, QuestionsGenerated):
                for i, text in enumerate(event.questions):
                    body = ctx.recorder.text(text.sha256)
                    yield Question(f"{task.clause_id}:{i}", task.clause_id, task.clause, body)


@dataclass(frozen=True)
class _Written:
    """A reply, and the task with what its earlier tries came to."""

    task: ClauseTask
    reply: Reply
    request: Request


def _write(ctx: Context, section: GenerateSection, pending: list[ClauseTask], count: int, taken: Taken) -> None:
    endpoint = endpoint_for(ctx.config, section, os.environ)
    shared, most = Shared(ctx.config, os.environ), section.concurrency or CONCURRENCY
    model = Completions(
        endpoint,
        section.model,
        section.timeout or TIMEOUT,
        RETRIES if section.retries is None else section.retries,
        most,
        60 * section.patience,
        shared,
        section.headers,
    )
    total, again = len(pending), list[ClauseTask]()
    left = total

    def finished(task: ClauseTask, unit: Unit, written: _Written) -> None:
        nonlocal left
        try:
            questions = written_questions(written.reply.text, count, taken)
        except Malformed as error:
            problems = (*written.task.problems, str(error))
            again.append(replace(written.task, problems=problems))
            return
        unit.add(_event(unit, section, endpoint.url, written, questions))
        unit.complete()
        for question in questions:
            taken.add(question)
        left -= 1
        ctx.progress(total - left, total, f"questions for clause {task.clause_id}")

    def tell() -> None:
        told = model.held_back(section.endpoint)
        if told:
            ctx.progress(total - left, total, told)

    try:
        while pending:
            run_concurrently(
                ctx,
                pending,
                partial(_ask, ctx, model, section, count, taken),
                finished,
                width=lambda: model.width,
                most=most,
                meanwhile=tell,
            )
            pending, again = again, []
    finally:
        model.close()


def _ask(
    ctx: Context,
    model: Completions,
    section: GenerateSection,
    count: int,
    taken: Taken,
    task: ClauseTask,
    stop: threading.Event,
) -> _Written:
    """Asks until the reply holds enough questions; runs in a thread of its own and records nothing."""
    while len(task.problems) < WRITING_TRIES:
        if stop.is_set():
            raise Interrupted
        request = Request(
            messages=writer_messages(task.clause, count, section.template),
            name="questions",
            schema=questions_schema(count),
            **writing_parameters(
                ctx.config.run.seed,
                task.clause_id,
                len(task.problems),
                count,
                section.extra_body,
                section.temperature,
            ),
        )
        reply = model.complete(request, stop)
        task = replace(task, attempts=task.attempts + reply.attempts)
        problem = reply.detail
        if reply.status == "answered":
            try:
                written_questions(reply.text, count, taken)
                return _Written(task, reply, request)
            except Malformed as error:
                problem = str(error)
        task = replace(task, problems=(*task.problems, problem))
    raise JudgeError(
        f"{model.endpoint.name}, model {model.model!r}, wrote no usable questions for clause {task.clause_id} "
        f"in {WRITING_TRIES} tries: {task.problems[-1]}; ask for fewer per clause or use another model, or resume to "
        "try again"
    )


def _event(
    unit: Unit, section: GenerateSection, url: str, written: _Written, questions: tuple[str, ...]
) -> QuestionsGenerated:
    task, reply, request = written.task, written.reply, written.request
    asked_again = [f"asked again after: {problem}" for problem in task.problems]
    prompt = recorded_prompt(request.messages)
    return QuestionsGenerated(
        clause_id=task.clause_id,
        model=section.model,
        questions=[unit.text(question) for question in questions],
        attempts=task.attempts,
        template=unit.text(template_text("writer", section.template)),
        prompt=unit.text(prompt),
        reply=unit.text(reply.text),
        detail="; ".join(filter(None, [reply.detail, *asked_again])) or None,
        request_key=writing_key(section.model, url, prompt, request.parameters()),
        rule=WRITING_RULE,
        **reply.measured(),
    )
