"""Answers of a model behind an endpoint: one call a question, asked as judges are (`judges.openai_judge`).

What comes back is the answer, whatever the reason for which it ended; a call that failed has none. It is recorded as an
attempt and asked again after all others; where it fails then too, the stage cannot be completed, and a run that is
resumed asks it again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.config import ConditionSection
from core.errors import JudgeError
from core.evaluation.calls import run_concurrently
from core.evaluation.endpoints.completions import Completions, Reply
from core.evaluation.endpoints.dialect import PLAIN, Request
from core.evaluation.endpoints.endpoint import Endpoint, endpoint_for
from core.evaluation.endpoints.shared import Shared
from core.evaluation.judges.openai_judge import FIRST_FAILURES
from core.evaluation.prompts import recorded_prompt
from core.events import AnswerReceived
from core.facts.judging.answers import answer_in
from core.facts.judging.requests import answering_parameters, writing_key
from core.facts.places import place_name
from core.facts.plural import number_of
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
    work = _Work(ctx, condition, _completions(condition, endpoint, shared), report, len(every) - len(pending))
    try:
        work.round([asking for asking in every if asking.key in pending])
        if work.failed:
            work.round(work.failed)
    finally:
        work.completions.close()
    if not work.failed:
        return ""
    return (
        f"{number_of(len(work.failed), 'call')} of condition {condition.name!r} at {endpoint.name} failed, "
        f"the last with: {work.last_failure}"
    )


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


@dataclass
class _Work:
    """The calls of one condition: what is asked, what came back, and how the endpoint is doing."""

    ctx: Context
    condition: ConditionSection
    completions: Completions
    report: Callable[[int, str], None]
    done: int
    failed: list[Asking] = field(default_factory=list)
    outages: int = 0
    last_failure: str = ""

    @property
    def most(self) -> int:
        """Calls at once."""
        return self.condition.concurrency or CONCURRENCY

    def round(self, askings: list[Asking]) -> None:
        """Makes every call once; afterwards `failed` are those that got no reply."""
        self.failed, self.outages = [], 0
        run_concurrently(
            self.ctx,
            askings,
            self.ask,
            self.record,
            width=lambda: self.completions.width,
            most=self.most,
            meanwhile=self.tell,
        )

    def request(self, asking: Asking) -> Request:
        """What a call asks: the question alone."""
        section = self.ctx.config.answer
        assert section is not None, "it has the questions"
        return Request(
            messages=(Message("user", asking.question.text),),
            name="answer",
            schema={},
            **answering_parameters(
                self.ctx.config.run.seed,
                asking.condition,
                asking.question.question_id,
                section.max_tokens,
                section.stop,
                self.condition.extra_body,
            ),
        )

    def ask(self, asking: Asking, stop: threading.Event) -> tuple[Request, Reply]:
        """Runs in a thread of its own and records nothing."""
        request = self.request(asking)
        return request, self.completions.complete(request, stop)

    def tell(self) -> None:
        """Says while the endpoint limits calls that it does."""
        told = self.completions.held_back(self.condition.source.partition(":")[2])
        if told:
            self.report(self.done, told)

    def record(self, asking: Asking, unit: Unit, came: tuple[Request, Reply]) -> None:
        """Records what came of a call, and stops the stage where the endpoint is of no use."""
        request, reply = came
        failed = reply.status == "failed"
        if failed:
            unit.now(self.event(asking, None, request, reply))
            self.failed.append(asking)
            self.last_failure = reply.detail
        else:
            unit.add(self.event(asking, unit, request, reply))
            unit.complete()
            self.done += 1
        self.report(self.done, f"{asking.condition}: {reply.status}")
        counts = reply.outage or not (self.completions.succeeded or self.done)
        self.outages = self.outages + 1 if failed and counts else 0
        limit = max(FIRST_FAILURES, 2 * self.most) if self.completions.succeeded else FIRST_FAILURES
        if self.outages >= limit:
            raise JudgeError(
                f"condition {asking.condition!r}: model {self.completions.model!r} at {self.completions.endpoint.name} "
                f"cannot be used: {self.outages} calls in a row failed, the last with: {self.last_failure}; check that "
                "the endpoint is up and serves this model, then resume (recorded answers are kept)"
            )

    def event(self, asking: Asking, unit: Unit | None, request: Request, reply: Reply) -> AnswerReceived:
        """The record of a call; without a unit, texts are left out."""
        prompt, model = recorded_prompt(request.messages), place_name(self.completions.model)
        address = self.completions.endpoint.url
        return AnswerReceived(
            condition=asking.condition,
            question_id=asking.question.question_id,
            clause_id=asking.question.clause_id,
            outcome=reply.status,
            model=model,
            answer=unit.text(answer_in(reply.text, request.stop)) if unit else None,
            reply=unit.text(reply.text) if unit else None,
            prompt=unit.text(prompt) if unit else None,
            attempts=reply.attempts,
            detail=reply.detail,
            finish_reason=reply.finish_reason,
            fingerprint=reply.fingerprint,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
            request_key=writing_key(model, address, prompt, request.parameters()),
            seconds=reply.seconds,
        )
