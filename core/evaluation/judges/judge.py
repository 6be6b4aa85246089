"""Judge calls: which are made, in which order each shows the answers, and what is recorded of them.

Every judge ranks every question `rankings` times. A call is a unit of its own, so nothing that was paid
for is asked again. Its key is "label#index/question".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.evaluation.answers import Answers
from core.evaluation.budget import Budget
from core.evaluation.endpoints.shared import Shared
from core.events import JudgeCalled, RankingsRead
from core.facts.judging.orders import shown_orders
from core.facts.judging.requests import file_unit, judging_key
from core.facts.places import place_name
from core.facts.ranking.lengths import words_in
from core.sections.who_judges import JudgeModel, JudgeSection
from core.stage import Context, only
from core.types import Judged, Question, Ranking


@dataclass(frozen=True)
class Call:
    """One call of one judge. `order` are the conditions in the order in which their answers are shown, none where that
    is not known."""

    model: JudgeModel
    index: int
    question: Question
    order: tuple[str, ...]

    @property
    def judge(self) -> str:
        """label#index: the judge's name in the record."""
        return f"{self.model.label}#{self.index}"

    @property
    def key(self) -> str:
        """The call's unit."""
        return f"{self.judge}/{self.question.question_id}"


@dataclass(frozen=True)
class Calls:
    """All calls of one judge, and those that are missing; `done` of the `total` calls of the run are made.

    `shared` is what the judges of the stage have in common at their endpoints, `budget` that of all judges together.
    """

    ctx: Context
    model: JudgeModel
    own: list[Call]
    missing: list[Call]
    answers: Answers
    done: int
    total: int
    shared: Shared
    budget: Budget | None = None


def plan_calls(ctx: Context, section: JudgeSection, answers: Answers) -> list[Call]:
    """All calls: by judge, then index, then question, so that a run that ends early holds whole rounds.

    A recorded judge has those that its file holds, which is recorded before.
    """
    calls = []
    questions = [one for one in answers.questions if section.ties is None or _differ(answers, one.question_id)]
    for model in section.judges:
        if model.kind == "recorded":
            calls += _recorded_calls(ctx, model, questions)
            continue
        shown = {
            question.question_id: shown_orders(
                ctx.stream("order"), question.question_id, model.label, answers.conditions, model.rankings
            )
            for question in questions
        }
        calls += [
            Call(model, index, question, shown[question.question_id][index])
            for index in range(model.rankings)
            for question in questions
        ]
    return calls


def _recorded_calls(ctx: Context, model: JudgeModel, questions: Sequence[Question]) -> list[Call]:
    counts = only(ctx.recorded(file_unit(model.label)) or (), RankingsRead).rankings
    return [
        Call(model, index, question, ())
        for index in range(model.rankings)
        for question in questions
        if index < counts.get(question.question_id, 0)
    ]


def _differ(answers: Answers, question: str) -> bool:
    return len({answers.answers[condition, question] for condition in answers.conditions}) > 1


def request_key(call: Call, address: str | None, prompt: str, parameters: Mapping[str, Any]) -> str:
    """The key that stands for all that a call asks."""
    return judging_key(place_name(call.model.model), address, prompt, call.order, call.index, parameters)


def shown_answers(call: Call, answers: Answers) -> list[str]:
    """The answers in the order in which the call shows them."""
    return [answers.answers[condition, call.question.question_id] for condition in call.order]


def judged(ctx: Context, calls: Sequence[Call], answers: Answers) -> Judged:
    """What the record says of the calls, in planned order; calls without a ranking count for nothing."""
    ranked = [event for call in calls for event in ctx.recorded(call.key) or () if isinstance(event, JudgeCalled)]
    ranked = [event for event in ranked if event.ranking is not None]
    weights = {call.judge: call.model.weight or 1 for call in calls}
    return Judged(
        rankings=tuple(
            Ranking(event.question_id, event.clause_id, event.judge, tuple(event.ranking or ()), weights[event.judge])
            for event in ranked
        ),
        shown=tuple(tuple(event.shown_order) for event in ranked),
        lengths={key: len(text) for key, text in answers.answers.items()},
        calls=len(calls),
        words={key: words_in(text) for key, text in answers.answers.items()},
    )
