"""What judging will take: calls, tokens, cost and hours of each judge behind an endpoint, before anybody is asked.

Prompts are put together as judges will see them. Where there are no answers yet, each is as long as it may be, so what
is said is the most; how many tokens a text has, and how long replies are, is measured where the same model judged
before, and assumed otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.config import RunConfig, resolved
from core.errors import InputError
from core.evaluation.constitution import Constitution
from core.evaluation.prompts import judge_messages, recorded_prompt
from core.evaluation.sources.asked import constitution_of, planned_from
from core.evaluation.sources.existing import existing_answers
from core.events.earlier_calls import OtherRuns
from core.facts.judging.costs import CallTokens, cost_of, price_of
from core.facts.sources import source_kind
from core.sections.who_judges import AnswerSection, JudgeModel
from core.types import Question

CHARACTERS_PER_TOKEN = 4
"""Of English text, about; assumed where nothing was measured."""

WRITTEN_QUESTION = 200
"""Characters of a question that a model has still to write; assumed."""


@dataclass(frozen=True)
class Measured:
    """What calls of a model took in earlier runs: their number, and the sums over them. Seconds are those of a call."""

    calls: int
    characters: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """What a judge will take: `hours` is None where nobody measured how long a call takes, `cost` without a price.

    Attributes:
        measured: how many earlier calls the tokens and the hours follow from; 0 where they are assumed.
    """

    judge: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal | None
    hours: float | None
    measured: int


def planned_characters(config: RunConfig, others: OtherRuns) -> list[int]:
    """The length of a prompt for each question that a run will ask. Answers that exist are as long as they are, all
    others as long as they may be.

    Raises:
        InputError: constitution, questions or answers cannot be read, or there is nothing to compare.
    """
    section = config.answer
    if section is None:
        raise InputError("the configuration has no [answer], so there is nothing to judge")
    questions = _planned(section, others)
    longest = "x" * (CHARACTERS_PER_TOKEN * section.max_tokens)
    existing = [
        existing_answers(condition, questions, others.earlier).answers
        if source_kind(condition.source) == "answers"
        else dict.fromkeys((question.question_id for question in questions), longest)
        for condition in config.conditions
    ]
    return prompt_characters([(q, [answers[q.question_id] for answers in existing]) for q in questions])


def prompt_characters(shown: Sequence[tuple[Question, Sequence[str]]]) -> list[int]:
    """The length of a prompt for each question with its answers, in whatever order.

    Raises:
        InputError: too few answers, or more than can be ranked in one call.
    """
    return [len(recorded_prompt(judge_messages(question, answers))) for question, answers in shown]


def _planned(section: AnswerSection, others: OtherRuns) -> Sequence[Question]:
    constitution = constitution_of(section, others.earlier)
    if section.generate is None:
        return planned_from(section, constitution, others.earlier)
    count = min(section.generate.per_clause, section.per_clause or section.generate.per_clause)
    return _unwritten(constitution.first(section.clauses), count)


def _unwritten(constitution: Constitution, count: int) -> list[Question]:
    return [
        Question(f"{number}:{i}", number, clause, "x" * WRITTEN_QUESTION)
        for number, clause in constitution.clauses.items()
        for i in range(count)
    ]


def estimates(config: RunConfig, characters: Sequence[int], measured: Mapping[str, Measured]) -> list[Estimate]:
    """What each judge behind an endpoint will take for all its calls.

    Args:
        characters: of a prompt for each question.
        measured: by model.
    """
    judges = config.judge.judges if config.judge else ()
    return [
        _estimate(config, judge, characters, measured.get(judge.model)) for judge in judges if judge.kind == "openai"
    ]


def _estimate(config: RunConfig, judge: JudgeModel, characters: Sequence[int], before: Measured | None) -> Estimate:
    calls, written = judge.rankings * len(characters), judge.rankings * sum(characters)
    if before is None:
        prompt, completion, hours = -(-written // CHARACTERS_PER_TOKEN), calls * judge.max_tokens, None
    else:
        prompt = -(-written * before.prompt_tokens // before.characters)
        completion = min(-(-calls * before.completion_tokens // before.calls), calls * judge.max_tokens)
        hours = calls * before.seconds / before.calls / judge.concurrency / 3600
    price = price_of(judge.model_dump(mode="json", exclude_none=True), resolved(config))
    cost = None if price is None else cost_of(price, CallTokens(prompt, 0, completion))
    return Estimate(judge.label, calls, prompt, completion, cost, hours, before.calls if before else 0)
