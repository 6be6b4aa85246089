"""Judges behind an OpenAI-compatible endpoint.

A reply is one of five things (`core.facts.judging.outcomes`): a ranking, a refusal, one that was cut off, one that
cannot be read, or a failed call. Only the first is a ranking; the others are recorded for what they are and never
become a rank. The first four are results and final. A failed call never is: it is recorded at once, as an attempt,
and asked again after all others. Where it fails then too, the stage cannot be completed; a run that is resumed asks
the failed calls again, and nothing that gave a result.

An endpoint that cannot be used at all stops the stage at once: a rejected key, an unknown model, `FIRST_FAILURES`
failures before anything succeeded, or a row of outages later on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.config import JudgeModel
from core.errors import JudgeError
from core.evaluation.calls import run_concurrently
from core.evaluation.endpoints.completions import Completions, Reply
from core.evaluation.endpoints.dialect import Request
from core.evaluation.endpoints.endpoint import Endpoint
from core.evaluation.judges.judge import Call, Calls, request_key, shown_answers
from core.evaluation.prompts import judge_messages, labels_for, ranking_schema, recorded_prompt, template_text
from core.events import JudgeCalled
from core.facts.judging.outcomes import Outcome, outcome_of
from core.facts.judging.prompts import template_name
from core.facts.judging.replies import READING_RULE, Malformed, parse_ranking
from core.facts.judging.requests import judging_parameters
from core.facts.plural import number_of
from core.stage import Unit

FIRST_FAILURES = 3


def judge_by_endpoint(calls: Calls, endpoint: Endpoint) -> str:
    """Makes the calls that are missing.

    Returns:
        A sentence about the calls that failed twice; "" where every call got a reply.

    Raises:
        JudgeError: the endpoint cannot be used; results so far are recorded.
        Stopped: the operator asked for it.
    """
    model, section = calls.model, calls.ctx.config.judge
    assert section is not None, "it names the judge"
    completions = Completions(
        endpoint,
        model.model,
        model.timeout,
        model.retries,
        model.concurrency,
        60 * section.patience,
        calls.shared,
        model.headers,
    )
    work = _Work(calls, completions, calls.done)
    try:
        work.round(calls.missing)
        if work.failed:
            work.last = bool(section.give_up)
            work.round(work.failed)
    finally:
        completions.close()
    if not work.failed:
        return ""
    return (
        f"{number_of(len(work.failed), 'call')} of judge {model.model!r} at {endpoint.name} failed, "
        f"the last with: {work.last_failure}"
    )


@dataclass
class _Work:
    """The calls of one judge: what is asked, what came back, and how the endpoint is doing.

    `last`: what fails now is given up, as the configuration wants it.
    """

    calls: Calls
    completions: Completions
    done: int
    failed: list[Call] = field(default_factory=list)
    outages: int = 0
    last_failure: str = ""
    last: bool = False

    @property
    def model(self) -> JudgeModel:
        """The judge."""
        return self.calls.model

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """That of every reply: each call shows an answer of every condition."""
        return ranking_schema(labels_for(len(self.calls.answers.conditions)), bool(self.model.reasoning))

    def round(self, calls: list[Call]) -> None:
        """Makes every call once; afterwards `failed` are those that got no reply."""
        self.failed, self.outages = [], 0
        run_concurrently(
            self.calls.ctx,
            calls,
            self.ask,
            self.record,
            width=lambda: self.completions.width,
            most=self.model.concurrency,
            meanwhile=self.tell,
            room=self.room,
        )

    def request(self, call: Call) -> Request:
        """What the call asks."""
        return Request(
            messages=judge_messages(
                call.question,
                shown_answers(call, self.calls.answers),
                template_name("openai", self.model.reasoning),
                self.model.template,
            ),
            name="ranking",
            schema=self.schema,
            **judging_parameters(
                self.calls.ctx.config.run.seed,
                self.model.label,
                call.index,
                call.question.question_id,
                self.model.temperature,
                self.model.max_tokens,
                self.model.extra_body,
                self.model.reasoning,
            ),
        )

    @property
    def template(self) -> str:
        """What prompts are made of."""
        return template_text(template_name("openai", self.model.reasoning), self.model.template)

    def ask(self, call: Call, stop: threading.Event) -> tuple[Request, Reply]:
        """Runs in a thread of its own and records nothing."""
        request = self.request(call)
        return request, self.completions.complete(request, stop)

    def room(self, call: Call, alone: bool) -> bool:
        """Whether the budget, if there is one, has room for a call beside those in flight."""
        if self.calls.budget is None:
            return True
        characters = len(recorded_prompt(self.request(call).messages))
        return self.calls.budget.holds(self.model, call.key, characters, alone)

    def tell(self) -> None:
        """Says while the endpoint limits calls that it does: nothing else moves then."""
        told = self.completions.held_back(self.model.endpoint)
        if told:
            self.calls.ctx.progress(self.done, self.calls.total, told)

    def record(self, call: Call, unit: Unit, came: tuple[Request, Reply]) -> None:
        """Records what came of a call and stops the stage where the endpoint is of no use."""
        request, reply = came
        failed = reply.status == "failed"
        if failed:
            self.last_failure = reply.detail
        if failed and not self.last:
            unit.now(self.event(call, None, request, reply))
            self.failed.append(call)
        else:
            unit.add(self.event(call, unit, request, reply))
            unit.complete()
            self.done += 1
        self.settle(call, unit, request)
        self.calls.ctx.progress(self.done, self.calls.total, f"{self.model.label}: {reply.status}")
        self.outages = self.outages + 1 if failed and self.counts(reply) else 0
        limit = max(FIRST_FAILURES, 2 * self.model.concurrency) if self.completions.succeeded else FIRST_FAILURES
        if self.outages >= limit:
            raise self.unusable(f"{self.outages} calls in a row failed, the last with: {self.last_failure}")

    def settle(self, call: Call, unit: Unit, request: Request) -> None:
        """Notes in the budget, if there is one, what a call came to."""
        budget = self.calls.budget
        if budget is None:
            return
        budget.release(call.key)
        for event in unit.events:
            if isinstance(event, JudgeCalled) and event.reply is not None:
                budget.add(self.model, event, len(recorded_prompt(request.messages)))

    def counts(self, reply: Reply) -> bool:
        """Whether a failure speaks against the endpoint: a rejected request does so only until one was accepted."""
        accepted = self.completions.succeeded or len(self.calls.missing) < len(self.calls.own)
        return reply.outage or not accepted

    def unusable(self, reason: str) -> JudgeError:
        """The error that stops the stage."""
        return JudgeError(
            f"judge {self.model.model!r} at {self.completions.endpoint.name} cannot be used: {reason}; "
            "check that the endpoint is up and serves this model, then resume (recorded calls are kept)"
        )

    def event(self, call: Call, unit: Unit | None, request: Request, reply: Reply) -> JudgeCalled:
        """The record of a call; without a unit, texts are left out."""
        prompt = recorded_prompt(request.messages)
        ranking, problem = _read(reply, call.order)
        outcome: Outcome = (
            "failed"
            if reply.status == "failed"
            else outcome_of(
                ranking is not None,
                reply.finish_reason,
                reply.status == "refused",
                reply.completion_tokens,
                self.model.max_tokens,
            )
        )
        said = {"malformed": [problem, reply.detail], "truncated": [reply.detail, "raise max_tokens"]}
        return JudgeCalled(
            question_id=call.question.question_id,
            clause_id=call.question.clause_id,
            judge=call.judge,
            judge_kind="openai",
            outcome=outcome,
            shown_order=list(call.order),
            ranking=ranking,
            attempts=reply.attempts,
            template=unit.text(self.template) if unit else None,
            prompt=unit.text(prompt) if unit else None,
            reply=unit.text(reply.text) if unit and outcome != "failed" else None,
            reasoning=unit.text(reply.reasoning) if unit and reply.reasoning else None,
            detail="; ".join(filter(None, said.get(outcome, [reply.detail]))),
            finish_reason=reply.finish_reason,
            fingerprint=reply.fingerprint,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            cached_tokens=reply.cached_tokens,
            reasoning_tokens=reply.reasoning_tokens,
            request_key=request_key(call, self.completions.endpoint.url, prompt, request.parameters()),
            rule=READING_RULE,
            seconds=reply.seconds,
        )


def _read(reply: Reply, order: Sequence[str]) -> tuple[list[str] | None, str]:
    """The conditions as a reply ranks them, None where it gives no ranking; and why it gives none."""
    labels = labels_for(len(order))
    try:
        return [order[labels.index(label)] for label in parse_ranking(reply.text, labels)], ""
    except Malformed as error:
        return None, str(error)
