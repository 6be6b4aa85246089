"""The kinds of judges by their names: what each needs before anybody is asked, and how its calls are made."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import InputError
from core.evaluation.answers import Answers
from core.evaluation.endpoints.endpoint import Endpoint, endpoint_for
from core.evaluation.judges.judge import Call, Calls, request_key, shown_answers
from core.evaluation.judges.local_judge import judge_by_model
from core.evaluation.judges.openai_judge import judge_by_endpoint
from core.evaluation.judges.recorded_rankings import RecordedRankings, read_recorded, take_recorded
from core.evaluation.prompts import quoted_case
from core.events import JudgeCalled
from core.facts.judging.replies import READING_RULE
from core.sections.what_trains import BASE_MODEL
from core.sections.who_judges import JudgeModel
from core.stage import Context, Unit


@dataclass(frozen=True)
class JudgeKind:
    """ready: what asking takes, or InputError or JudgeError where the judge cannot work; given the folder of the base
    model, None while there is none yet. ask: makes the calls that are missing, with what `ready` gave; a sentence about
    those that failed, "" where none did."""

    ready: Callable[[RunConfig, JudgeModel, Path | None], Any]
    ask: Callable[[Calls, Any], str]


# ---------------------------------------------------------------- behind an endpoint


def _endpoint(config: RunConfig, model: JudgeModel, base: Path | None) -> Endpoint:
    return endpoint_for(config, model, os.environ)


# ---------------------------------------------------------------- a model on this machine


def _folder(config: RunConfig, model: JudgeModel, base: Path | None) -> Path | None:
    if base is None and model.model in BASE_MODEL and not config.has_base:
        raise InputError(
            f"judge {model.label!r}: model = {model.model!r} is the run's base model, and no condition of this run has "
            "one; give the folder of a model"
        )
    folder = base if model.model in BASE_MODEL else Path(model.model).expanduser()
    if folder is not None and not (folder / "config.json").is_file():
        raise InputError(
            f"judge {model.label!r}: {folder} is no folder of a model (it has no config.json); "
            "give a folder, or 'base' for the run's own base model"
        )
    return folder


# ---------------------------------------------------------------- citizens of a planted world


def _world(config: RunConfig, model: JudgeModel, base: Path | None) -> Path:
    if config.data.path is None or config.data.world is None:
        raise InputError(
            f"judge {model.label!r}: a planted judge needs data.path and data.world, the truth of a planted world"
        )
    return config.data.path / config.data.world


def _ask_citizens(calls: Calls, world: Path) -> str:
    for number, call in enumerate(calls.missing, start=calls.done + 1):
        calls.ctx.unit(call.key, partial(_ask_citizen, ctx=calls.ctx, call=call, answers=calls.answers, world=world))
        calls.ctx.progress(number, calls.total, calls.model.label)
    return ""


def _ask_citizen(unit: Unit, ctx: Context, call: Call, answers: Answers, world: Path) -> None:
    """One citizen of a planted world ranks the answers to one question."""
    from core.evaluation.judges.planted_judge import planted_rankings

    begun = time.monotonic()
    texts = shown_answers(call, answers)
    shown = list(zip(call.order, texts, strict=True))
    stream = ctx.stream("citizen", call.question.question_id, call.model.label, str(call.index))
    ranking = planted_rankings(world, call.question, shown, stream)
    unit.add(
        JudgeCalled(
            question_id=call.question.question_id,
            clause_id=call.question.clause_id,
            judge=call.judge,
            judge_kind="planted",
            outcome="ranked",
            shown_order=list(call.order),
            ranking=list(ranking),
            attempts=1,
            reply=unit.text(json.dumps(list(ranking))),
            request_key=request_key(call, None, quoted_case(call.question, texts), {"world": world.name}),
            rule=READING_RULE,
            seconds=round(time.monotonic() - begun, 4),
        )
    )


# ---------------------------------------------------------------- rankings that exist already


def _rankings(config: RunConfig, model: JudgeModel, base: Path | None) -> RecordedRankings:
    return read_recorded(model, config.names_in_files)


KINDS: Mapping[str, JudgeKind] = {
    "openai": JudgeKind(_endpoint, judge_by_endpoint),
    "local": JudgeKind(_folder, judge_by_model),
    "planted": JudgeKind(_world, _ask_citizens),
    "recorded": JudgeKind(_rankings, take_recorded),
}
