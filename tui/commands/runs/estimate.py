"""What `dempo doctor` says of judging to come: calls, tokens, cost and hours by judge, and the budget beside it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import DempoError
from core.evaluation.estimate import (
    CHARACTERS_PER_TOKEN,
    Estimate,
    estimates,
    planned_characters,
    prompt_characters,
)
from core.facts.judging.costs import money
from core.facts.plural import number_of
from core.facts.sources import source_kind
from core.types import Question
from storage.judging.measured import measured_in
from storage.judging.other_runs import RunsOnDisk
from storage.record.reader import Reader


def estimate_rows(config: RunConfig, runs: Path, reader: Reader | None = None) -> list[dict[str, Any]]:
    """One row per judge behind an endpoint, and one for all: name, state and detail, and `estimate` as data.

    Args:
        reader: a run with this configuration; where its answers are recorded, prompts hold these.
    """
    if not any(who.startswith("judge ") for who in config.asked):
        return []
    try:
        characters, real = _recorded_characters(config, reader) if reader else [], True
        if not characters:
            exist = all(source_kind(condition.source) == "answers" for condition in config.conditions)
            characters, real = planned_characters(config, RunsOnDisk()), exist
    except DempoError as error:
        return [{"name": "judging", "state": "missing", "detail": str(error)}]
    found = estimates(config, characters, measured_in(runs))
    return [*(_row(one, real) for one in found), _total(config, found)]


def _recorded_characters(config: RunConfig, reader: Reader) -> list[int]:
    """Of the prompts that a run's recorded answers make; none where a question lacks one."""
    given: dict[str, dict[str, str]] = defaultdict(dict)
    for row in reader.view("answers"):
        given[row["question_id"]][row["condition"]] = row["answer"] or ""
    questions = [
        Question(row["question_id"], row["clause_id"], row["clause"] or "", row["question"] or "")
        for row in reader.view("questions")
    ]
    names = {condition.name for condition in config.conditions}
    if not all(given[question.question_id].keys() == names for question in questions):
        return []
    return prompt_characters([(question, list(given[question.question_id].values())) for question in questions])


def _row(one: Estimate, real: bool) -> dict[str, Any]:
    most = "" if one.measured and real else "at most "
    cost = "no price" if one.cost is None else f"{most}{money(one.cost)}"
    tokens = f"{most}{one.prompt_tokens:,} tokens of prompts and {one.completion_tokens:,} of replies"
    time = "how long is unknown" if one.hours is None else f"{_time(one.hours)} where nothing limits calls"
    basis = (
        f"by {number_of(one.measured, 'call')} of this model in the runs here"
        if one.measured
        else f"assumed: {CHARACTERS_PER_TOKEN} characters a token, replies of max_tokens"
    )
    answers = "answers as they are" if real else "answers of answer.max_tokens"
    detail = f"{number_of(one.calls, 'call')}, {tokens}, {cost}, {time}; {basis}, {answers}"
    data = asdict(one) | {"cost": _text(one.cost), "recorded_answers": real}
    return {"name": f"judging: {one.judge!r}", "state": "note", "detail": detail, "estimate": data}


def _time(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"


def _total(config: RunConfig, found: list[Estimate]) -> dict[str, Any]:
    costs = [one.cost for one in found if one.cost is not None]
    budget = config.judge.budget if config.judge else None
    total = sum(costs, Decimal(0)) if costs else None
    told = "no price" if total is None else money(total)
    if 0 < len(costs) < len(found):
        told += f" without {number_of(len(found) - len(costs), 'judge')} that has no price"
    beside = "no judge.budget" if budget is None else f"judge.budget is {money(budget)}"
    if budget is not None and total is not None and total > budget:
        beside += ", which may not be enough"
    data = {"cost": _text(total), "budget": _text(budget)}
    return {"name": "judging: all", "state": "note", "detail": f"{told}; {beside}", "estimate": data}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
