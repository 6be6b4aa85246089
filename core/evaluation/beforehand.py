"""What can be refused of answers and judges before a run is created."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from core.chat.choosing import template_beside
from core.config import RunConfig
from core.errors import DempoError, InputError
from core.evaluation.endpoints.endpoint import endpoint_for
from core.evaluation.judges.kinds import KINDS
from core.evaluation.judges.recorded_rankings import check_questions, read_recorded
from core.evaluation.judges.taken_over import asks_nothing, require_same_judge
from core.evaluation.prompts import judge_messages, labels_for
from core.evaluation.sources.asked import constitution_of, planned_from
from core.evaluation.sources.existing import EarlierRuns, existing_answers
from core.evaluation.sources.linked import named_model, untrained
from core.events.earlier_calls import OtherRuns, UnreadRuns
from core.facts.places import apart
from core.facts.sources import source_kind
from core.sections.who_judges import AnswerSection, JudgeModel
from core.training.possible import check_model, require_template
from core.types import Question


def check_evaluation(config: RunConfig, others: OtherRuns = UnreadRuns()) -> Iterator[DempoError]:
    """Every reason why `answer` and `judge` would be refused after training: files, addresses, keys, counts.

    For runs that start; a resumed one reads constitution and questions from its record.

    Args:
        others: reads the records of other runs, where the configuration names some.
    """
    if config.answer is None or not config.conditions:
        return
    earlier = cache(others.earlier)
    checks: list[Callable[[], object]] = [partial(_check_questions, config, config.answer, earlier)]
    checks += [
        partial(check_model, untrained(apart(c.source)[1]), named_model(c), trained=False)
        for c in config.conditions
        if source_kind(c.source) == "model"
    ]
    checks += [partial(endpoint_for, config, c.asked, os.environ) for c in config.conditions if c.asked]
    if config.judge is not None:
        checks.append(partial(labels_for, len(config.conditions)))
        checks += [partial(_check_judge, config, model, others) for model in config.judge.judges]
        if config.rank.gold is not None:
            checks.append(partial(_check_gold, config, config.answer, config.rank.gold, earlier))
        if config.rank.published is not None:
            checks.append(partial(_check_published, config, config.rank.published))
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
    for model in config.judge.judges if config.judge else ():
        if model.kind == "recorded":
            check_questions(model, read_recorded(model, config.names_in_files), questions)


def _check_gold(config: RunConfig, section: AnswerSection, path: Path, earlier: EarlierRuns) -> None:
    """Whether the rankings by people are of this run's questions and conditions; what is wrong with the questions
    themselves is said by their own check."""
    from core.ranking.judges.gold import read_gold

    questions: dict[str, int | None] | None = None
    if section.generate is None:
        try:
            read = planned_from(section, constitution_of(section, earlier), earlier)
        except InputError:
            return
        questions = {question.question_id: question.clause_id for question in read}
    read_gold(path, [condition.name for condition in config.conditions], questions)


def _check_published(config: RunConfig, folder: Path) -> None:
    """Whether published scores are of this run's conditions."""
    from core.publication.comparing import check_published

    check_published(folder, config.names_in_files)


def _check_judge(config: RunConfig, model: JudgeModel, others: OtherRuns) -> None:
    """A judge of which another run has every call needs neither key nor model: nobody is asked."""
    if model.takes_over and model.recorded is not None:
        before = others.earlier_calls(model.recorded, model.label)
        require_same_judge(config, model, [condition.name for condition in config.conditions], before)
        if asks_nothing(model, before):
            return
    folder = KINDS[model.kind].ready(config, model, None)
    if model.kind == "local" and folder is not None:
        _check_template(config, model, folder)


def _check_template(config: RunConfig, model: JudgeModel, folder: Path) -> None:
    """Whether the chat template that a local judge carries can write what it is asked."""
    if template_beside(partial(_beside, folder)) is not None:
        question = Question("1:0", 1, "A", "A")
        asked = judge_messages(question, ["A"] * len(config.conditions), "local", model.template)
        require_template(str(folder), None, f"judge {model.label!r}: model", trained=False, asked=[asked])


def _beside(folder: Path, name: str) -> Path | None:
    path = folder / name
    return path if path.is_file() else None
