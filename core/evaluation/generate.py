"""Questions written by a model behind an OpenAI-compatible endpoint, one unit per clause."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from core.config import GenerateSection
from core.errors import JudgeError
from core.evaluation.calls import run_concurrently
from core.evaluation.constitution import Constitution
from core.evaluation.endpoints.completions import Completions, Interrupted, Reply
from core.evaluation.endpoints.dialect import Request
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.endpoints.pace import Pace
from core.evaluation.prompts import questions_schema, recorded_prompt, template_text, writer_messages
from core.events import QuestionsGenerated
from core.facts.judging.replies import Malformed, parse_questions
from core.facts.judging.requests import WRITING_TRIES, writing_key, writing_parameters
from core.stage import Context, Unit
from core.types import Question

CONCURRENCY = 4
TIMEOUT = 300.0
RETRIES = 4


@dataclass(frozen=True)
class ClauseTask:
    """One clause to write questions for."""

    key: str
    clause_id: int
    clause: str


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
        _write(ctx, section, pending, per_clause)
    return tuple(
        Question(f"{task.clause_id}:{i}", task.clause_id, task.clause, ctx.recorder.text(text.sha256))
        for task in tasks
        for event in ctx.recorded(task.key) or ()
        if isinstance(event, QuestionsGenerated)
        for i, text in enumerate(event.questions)
    )


def _write(ctx: Context, section: GenerateSection, pending: list[ClauseTask], count: int) -> None:
    endpoint = endpoint_for(ctx.config, section, os.environ)
    pace = Pace(CONCURRENCY, 60 * section.patience)
    model = Completions(endpoint, section.model, TIMEOUT, RETRIES, pace, section.headers)
    left = len(pending)

    def finished(task: ClauseTask, unit: Unit, result: tuple[Reply, tuple[str, ...], Request]) -> None:
        nonlocal left
        reply, questions, request = result
        unit.add(_event(unit, task, section.model, endpoint.url, request, reply, questions))
        unit.complete()
        left -= 1
        ctx.progress(len(pending) - left, len(pending), f"questions for clause {task.clause_id}")

    def tell() -> None:
        told = model.held_back(section.endpoint)
        if told:
            ctx.progress(len(pending) - left, len(pending), told)

    try:
        run_concurrently(
            ctx,
            pending,
            partial(_ask, ctx, model, section.extra_body, count),
            finished,
            width=lambda: pace.at_once,
            most=CONCURRENCY,
            meanwhile=tell,
        )
    finally:
        model.close()


def _ask(
    ctx: Context,
    model: Completions,
    extra_body: Mapping[str, Any] | None,
    count: int,
    task: ClauseTask,
    stop: threading.Event,
) -> tuple[Reply, tuple[str, ...], Request]:
    """Asks until the reply holds enough distinct questions; runs in a thread of its own and records nothing."""
    attempts = 0
    for attempt in range(WRITING_TRIES):
        if stop.is_set():
            raise Interrupted
        request = Request(
            messages=writer_messages(task.clause, count),
            name="questions",
            schema=questions_schema(count),
            **writing_parameters(ctx.config.run.seed, task.clause_id, attempt, count, extra_body),
        )
        reply = model.complete(request, stop)
        attempts += reply.attempts
        problem = reply.detail
        if reply.status == "answered":
            try:
                return replace(reply, attempts=attempts), parse_questions(reply.text, count), request
            except Malformed as error:
                problem = str(error)
    raise JudgeError(
        f"{model.endpoint.name}, model {model.model!r}, wrote no usable questions for clause {task.clause_id} "
        f"in {WRITING_TRIES} tries: {problem}; ask for fewer per clause or use another model, or resume to try again"
    )


def _event(
    unit: Unit, task: ClauseTask, model: str, url: str, request: Request, reply: Reply, questions: tuple[str, ...]
) -> QuestionsGenerated:
    prompt = recorded_prompt(request.messages)
    return QuestionsGenerated(
        clause_id=task.clause_id,
        model=model,
        questions=[unit.text(question) for question in questions],
        attempts=reply.attempts,
        template=unit.text(template_text("writer")),
        prompt=unit.text(prompt),
        reply=unit.text(reply.text),
        detail=reply.detail or None,
        finish_reason=reply.finish_reason,
        fingerprint=reply.fingerprint,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cached_tokens=reply.cached_tokens,
        reasoning_tokens=reply.reasoning_tokens,
        request_key=writing_key(model, url, prompt, request.parameters()),
        seconds=reply.seconds,
    )
