"""The stage `judge`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from core.errors import InputError, JudgeError
from core.evaluation.answers import Answers
from core.evaluation.budget import Budget
from core.evaluation.endpoints.shared import Shared
from core.evaluation.judges.judge import Call, Calls, judged, plan_calls
from core.evaluation.judges.kinds import KINDS
from core.evaluation.judges.recorded_rankings import record_file
from core.evaluation.judges.taken_over import take_over
from core.evaluation.plan_first import plan_units, record_plan
from core.evaluation.prompts import labels_for
from core.events import (
    JudgeCalled,
)
from core.facts.plural import number_of
from core.sections.who_judges import JudgeModel
from core.stage import Context
from core.types import Judged


def judge(ctx: Context, answers: Answers) -> Judged:
    """Lets every judge rank the answers to every question, `rankings` times each; a call is a unit.

    Raises:
        InputError: too few or too many conditions, or a local judge that cannot be used.
        JudgeError: an endpoint cannot be used, or must not be given the key; or the budget is reached; or a call
            failed, once every other one is recorded; or no call gave a ranking.
    """
    section = ctx.config.judge
    if section is None:
        raise InputError("the configuration has no [judge]")
    labels_for(len(answers.conditions))
    record_plan(ctx)
    from_files = [model for model in section.judges if model.kind == "recorded"]
    for model in from_files:
        record_file(ctx, model, answers.questions)
    calls = plan_calls(ctx, section, answers)
    if not calls and section.ties is not None:
        raise JudgeError(
            f"all answers to each of the {number_of(len(answers.questions), 'question')} are the same text, and "
            'judge.ties = "skip" asks nobody about such questions; clone the run with other conditions, more training, '
            "or without judge.ties"
        )
    ctx.plan(plan_units(ctx) + len(from_files) + len(calls))
    by_judge = [[call for call in calls if call.model is model] for model in section.judges]
    shared = Shared(ctx.config, os.environ)
    for model, own in zip(section.judges, by_judge, strict=True):
        _take_over(ctx, model, own, answers, shared)
    pending = set(ctx.pending([call.key for call in calls]))
    wanted = [model for model, own in zip(section.judges, by_judge, strict=True) if any(c.key in pending for c in own)]
    ready = {model.label: KINDS[model.kind].ready(ctx.config, model, answers.base) for model in wanted}
    done = len(calls) - len(pending)
    budget = _budget(ctx, calls)
    failures = []
    for model, own in zip(section.judges, by_judge, strict=True):
        missing = [call for call in own if call.key in pending]
        if missing:
            of_model = Calls(ctx, model, own, missing, answers, done, len(calls), shared, budget)
            failures.append(KINDS[model.kind].ask(of_model, ready[model.label]))
            done += len(missing)
    if any(failures):
        raise JudgeError(
            f"{'; '.join(filter(None, failures))}. Everything else is recorded; `dempo resume` asks what failed again. "
            "Calls that their judge can never answer (a prompt is too long for the model, say) are given up by "
            f"`dempo resume {ctx.folder.root.name} --set judge.give_up=true`: they count as lost"
        )
    found = judged(ctx, calls, answers)
    if not found.rankings:
        raise JudgeError(
            f"none of the {len(calls)} judge calls gave a ranking (the view judge_calls says what came of each); "
            "clone the run with another judge"
        )
    return found


def _take_over(ctx: Context, model: JudgeModel, own: list[Call], answers: Answers, shared: Shared) -> None:
    """Records what another run's judge of the same label said, where the configuration names that run."""
    pending = set(ctx.pending([call.key for call in own]))
    if model.takes_over and model.recorded is not None and pending:
        missing = [call for call in own if call.key in pending]
        calls = Calls(ctx, model, own, missing, answers, len(own) - len(missing), len(own), shared)
        take_over(calls, ctx.recorder.earlier_calls(model.recorded, model.label), os.environ)


def _budget(ctx: Context, calls: Sequence[Call]) -> Budget | None:
    """The budget, with what every reply has cost, those of calls that were made again as well; None where there is
    none."""
    paid = {call.judge: call.model for call in calls if call.model.kind == "openai"}
    budget = Budget.of(ctx.config, ctx.folder.root.name, sum(call.model.kind == "openai" for call in calls))
    if budget is None:
        return None
    for event in ctx.recorder.every(JudgeCalled):
        if event.judge in paid and event.taken_from is None and event.reply is not None:
            shown = event.prompt if event.prompt_tokens is None else None
            budget.add(paid[event.judge], event, len(ctx.recorder.text(shown.sha256)) if shown else 0)
    return budget
