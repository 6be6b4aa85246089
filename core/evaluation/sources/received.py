"""Answers of a model behind an endpoint: one call a question, asked as judges are (`core.evaluation.endpoints.rounds`).

What comes back is the answer, whatever the reason for which it ended; a call that failed has none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.evaluation.endpoints.completions import Completions, Reply
from core.evaluation.endpoints.dialect import PLAIN, Request
from core.evaluation.endpoints.endpoint import Endpoint, endpoint_for
from core.evaluation.endpoints.rounds import Rounds
from core.evaluation.endpoints.shared import Shared
from core.evaluation.prompts import recorded_prompt
from core.events import AnswerReceived
from core.facts.judging.answers import answer_in
from core.facts.judging.requests import answering_parameters, writing_key
from core.facts.places import place_name
from core.sections.what_trains import ConditionSection
from core.stage import Context, Unit
from core.types import Message, Question

CONCURRENCY, TIMEOUT, RETRIES, PATIENCE = 8, 120.0, 4, 30.0
"""Where a condition sets no other: calls at once, seconds, repetitions, minutes of nothing but limits (a judge's)."""


@dataclass(frozen=True)
class Asking:
    """One question to one condition."""

    condition: str
    question: Question

    @property
    def key(self) -> str:
        """The call's unit."""
        return f"{self.condition}/{self.question.question_id}"


def answer_by_endpoint(
    ctx: Context,
    condition: ConditionSection,
    questions: Sequence[Question],
    shared: Shared,
    report: Callable[[int, str], None],
) -> str:
    """Asks the questions that are not answered yet; `report` is told how many of all are, and what came last.

    Returns:
        A sentence about the calls that failed twice; "" where every question has an answer.

    Raises:
        JudgeError: the endpoint cannot be used; answers so far are recorded.
        Stopped: the operator asked for it.
    """
    every = [Asking(condition.name, question) for question in questions]
    pending = set(ctx.pending([asking.key for asking in every]))
    if not pending:
        return ""
    assert condition.asked is not None, "a source 'endpoint:…' says where it is asked"
    endpoint = endpoint_for(ctx.config, condition.asked, os.environ)
    completions = _completions(condition, endpoint, shared)
    answering = _Answering(ctx, condition, completions, report, len(every) - len(pending))
    return answering.complete([asking for asking in every if asking.key in pending])


def _completions(condition: ConditionSection, endpoint: Endpoint, shared: Shared) -> Completions:
    assert condition.model is not None, "a source 'endpoint:…' has a model"
    return Completions(
        endpoint,
        condition.model,
        condition.timeout or TIMEOUT,
        RETRIES if condition.retries is None else condition.retries,
        condition.concurrency or CONCURRENCY,
        60 * PATIENCE,
        shared,
        condition.headers,
        PLAIN,
    )


class _Answering(Rounds[Asking]):
    """The calls of one condition."""

    def __init__(
        self,
        ctx: Context,
        condition: ConditionSection,
        completions: Completions,
        report: Callable[[int, str], None],
        done: int,
    ) -> None:
        who, place = f"condition {condition.name!r} (model {condition.model!r})", condition.source.partition(":")[2]
        super().__init__(ctx, completions, who, condition.name, place, done, done > 0)
        self.condition = condition
        self.told = report

    def report(self, detail: str) -> None:
        self.told(self.done, detail)

    def request(self, task: Asking) -> Request:
        """The question alone."""
        section = self.ctx.config.answer
        assert section is not None, "it has the questions"
        return Request(
            messages=(Message("user", task.question.text),),
            name="answer",
            schema={},
            **answering_parameters(
                self.ctx.config.run.seed,
                task.condition,
                task.question.question_id,
                section.max_tokens,
                section.stop,
                self.condition.extra_body,
            ),
        )

    def event(self, task: Asking, unit: Unit | None, request: Request, reply: Reply) -> AnswerReceived:
        prompt, model = recorded_prompt(request.messages), place_name(self.completions.model)
        address = self.completions.endpoint.url
        return AnswerReceived(
            condition=task.condition,
            question_id=task.question.question_id,
            clause_id=task.question.clause_id,
            outcome=reply.status,
            model=model,
            answer=unit.text(answer_in(reply.text, request.stop)) if unit else None,
            reply=unit.text(reply.text) if unit else None,
            prompt=unit.text(prompt) if unit else None,
            attempts=reply.attempts,
            detail=reply.detail,
            request_key=writing_key(model, address, prompt, request.parameters()),
            **reply.measured(),
        )
