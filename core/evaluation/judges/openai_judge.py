"""Judges behind an OpenAI-compatible endpoint.

A reply is one of five things (`core.facts.judging.outcomes`): a ranking, a refusal, one that was cut off, one that
cannot be read, or a failed call. Only the first is a ranking; the others are recorded for what they are and never
become a rank. The first four are results and final; of the fifth see `core.evaluation.endpoints.rounds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from core.errors import JudgeError
from core.evaluation.endpoints.completions import Completions, Reply
from core.evaluation.endpoints.dialect import Request
from core.evaluation.endpoints.endpoint import Endpoint
from core.evaluation.endpoints.rounds import Rounds
from core.evaluation.judges.judge import Call, Calls, request_key, shown_answers
from core.evaluation.prompts import judge_messages, labels_for, ranking_schema, recorded_prompt, template_text
from core.events import JudgeCalled
from core.facts.judging.outcomes import Outcome, lost_calls, outcome_of
from core.facts.judging.prompts import template_name
from core.facts.judging.replies import READING_RULE, Malformed, parse_ranking
from core.facts.judging.requests import judging_parameters
from core.stage import Unit

NO_USE = 20
"""Replies after which a judge that gave no ranking yet is asked no more: it cannot do it, or has too few tokens."""


def judge_by_endpoint(calls: Calls, endpoint: Endpoint) -> str:
    """Makes the calls that are missing.

    Returns:
        A sentence about the calls that failed twice; "" where every call got a reply, or was given up.

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
    return _Judging(calls, completions).complete(calls.missing, bool(section.give_up))


class _Judging(Rounds[Call]):
    """The calls of one judge."""

    def __init__(self, calls: Calls, completions: Completions) -> None:
        model, before = calls.model, len(calls.missing) < len(calls.own)
        super().__init__(
            calls.ctx, completions, f"judge {model.model!r}", model.label, model.endpoint, calls.done, before
        )
        self.calls = calls
        self.model = model
        own = (event for call in calls.own for event in calls.ctx.recorded(call.key) or ())
        self.ranks = any(isinstance(event, JudgeCalled) and event.ranking is not None for event in own)
        self.without = Counter[str]()

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """That of every reply: each call shows an answer of every condition."""
        return ranking_schema(labels_for(len(self.calls.answers.conditions)), bool(self.model.reasoning))

    @property
    def template(self) -> str:
        """What prompts are made of."""
        return template_text(template_name("openai", self.model.reasoning), self.model.template)

    def request(self, task: Call) -> Request:
        return Request(
            messages=judge_messages(
                task.question,
                shown_answers(task, self.calls.answers),
                template_name("openai", self.model.reasoning),
                self.model.template,
            ),
            name="ranking",
            schema=self.schema,
            **judging_parameters(
                self.calls.ctx.config.run.seed,
                self.model.label,
                task.index,
                task.question.question_id,
                self.model.temperature,
                self.model.max_tokens,
                self.model.extra_body,
                self.model.reasoning,
            ),
        )

    def report(self, detail: str) -> None:
        self.ctx.progress(self.done, self.calls.total, detail)

    def advice(self) -> str:
        run = self.ctx.folder.root.name
        return f"; calls that are never answered are given up by `dempo resume {run} --set judge.give_up=true`"

    def room(self, task: Call, alone: bool) -> bool:
        """Whether the budget, if there is one, has room for a call beside those in flight."""
        if self.calls.budget is None:
            return True
        characters = len(recorded_prompt(self.request(task).messages))
        return self.calls.budget.holds(self.model, task.key, characters, alone)

    def settled(self, task: Call, unit: Unit, request: Request) -> None:
        """Notes in the budget, if there is one, what a call came to, and stops a judge that never ranks."""
        budget = self.calls.budget
        if budget is not None:
            budget.release(task.key)
        for event in unit.events:
            if isinstance(event, JudgeCalled) and event.reply is not None:
                if budget is not None:
                    budget.add(self.model, event, len(recorded_prompt(request.messages)))
                self._require_use(event)

    def _require_use(self, event: JudgeCalled) -> None:
        """Thousands of calls like the first, none of which ranked, are paid for nothing.

        Raises:
            JudgeError: the first `NO_USE` replies, of this engine where none before gave a ranking, give none.
        """
        self.ranks = self.ranks or event.ranking is not None
        if self.ranks:
            return
        self.without[event.outcome] += 1
        if self.without.total() >= NO_USE:
            run = self.ctx.folder.root.name
            raise JudgeError(
                f"none of the first {NO_USE} replies of {self.who} gave a ranking ({lost_calls(self.without)}); "
                f"`dempo show {run} --view judge_calls` says more of each. Clone the run with another judge, or other "
                f"settings of this one; `dempo resume {run}` asks for {NO_USE} more"
            )

    def event(self, task: Call, unit: Unit | None, request: Request, reply: Reply) -> JudgeCalled:
        prompt = recorded_prompt(request.messages)
        ranking, problem = _read(reply, task.order)
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
            question_id=task.question.question_id,
            clause_id=task.question.clause_id,
            judge=task.judge,
            judge_kind="openai",
            outcome=outcome,
            shown_order=list(task.order),
            ranking=ranking,
            attempts=reply.attempts,
            template=unit.text(self.template) if unit else None,
            prompt=unit.text(prompt) if unit else None,
            reply=unit.text(reply.text) if unit and outcome != "failed" else None,
            reasoning=unit.text(reply.reasoning) if unit and reply.reasoning else None,
            detail="; ".join(filter(None, said.get(outcome, [reply.detail]))),
            request_key=request_key(task, self.completions.endpoint.url, prompt, request.parameters()),
            rule=READING_RULE,
            **reply.measured(),
        )


def _read(reply: Reply, order: Sequence[str]) -> tuple[list[str] | None, str]:
    """The conditions as a reply ranks them, None where it gives no ranking; and why it gives none."""
    labels = labels_for(len(order))
    try:
        return [order[labels.index(label)] for label in parse_ranking(reply.text, labels)], ""
    except Malformed as error:
        return None, str(error)
