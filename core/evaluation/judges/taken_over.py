"""Replies of another run's judge of the same label, taken over instead of asking again.

A call is taken over where it is the same: question, number, shown order, prompt and settings, so that its request key
is the one that it would have here. What is different somewhere is refused as a whole: a judge is either the same or
another one. The reply is read again by the rule of this program, so that the outcome may be another than the one there.
What has no reply there, or one that ended as `again` lists, is left to be asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from core.config import RunConfig, resolved
from core.errors import InputError
from core.evaluation.answers import Answers
from core.evaluation.judges.judge import Call, Calls, shown_answers
from core.evaluation.prompts import labels_for, quoted_case
from core.events import JudgeCalled, TakenFrom
from core.events.earlier_calls import EarlierCall, EarlierCalls
from core.facts.judging.endpoints import endpoint_of
from core.facts.judging.outcomes import Outcome, outcome_of
from core.facts.judging.prompts import asked_by, spelled
from core.facts.judging.replies import READING_RULE, Malformed, parse_ranking
from core.facts.judging.requests import address_of, judging_key, judging_parameters, local_parameters
from core.facts.places import place_name
from core.sections.who_judges import JudgeModel
from core.stage import Unit


class _Read(NamedTuple):
    """A reply as it is read now; the problem says why it gives no ranking."""

    outcome: Outcome
    ranking: list[str] | None
    problem: str


_SETTINGS = ("temperature", "max_tokens", "extra_body", "reasoning")
"""What shapes the replies of a judge at an endpoint, beside its model, its address and its template."""


def require_same_judge(config: RunConfig, model: JudgeModel, conditions: Sequence[str], before: EarlierCalls) -> None:
    """Refuses to take over what another judge said, or of other conditions, or in other orders.

    Raises:
        InputError: with what differs.
    """
    who = f"judge {model.label!r}: replies of run {before.run_id} cannot be taken over"
    there = {section["label"]: section for section in (before.config.get("judge") or {}).get("judges", ())}
    if model.label not in there:
        known = ", ".join(map(repr, there)) or "none"
        raise InputError(
            f"{who}: it has no judge of this label (it has {known}); give the judge one of these as `label`"
        )
    names = [condition["name"] for condition in before.config.get("conditions", ())]
    if names != list(conditions):
        raise InputError(f"{who}: it judged the conditions {', '.join(names)}, this run {', '.join(conditions)}")
    section = there[model.label]
    settings: list[tuple[str, Any, Any]] = [
        ("run.seed", before.config["run"]["seed"], config.run.seed),
        ("kind", section["kind"], model.kind),
        ("model", place_name(section["model"]), place_name(model.model)),
        ("prompt", section.get("template"), model.template),
        ("calibration", section.get("calibration"), model.calibration),
    ]
    if model.kind == "openai":
        here = resolved(config)
        own = model.model_dump(mode="json")
        settings += [
            ("base_url", endpoint_of(section, before.config).get("base_url"), endpoint_of(own, here).get("base_url")),
            *((name, section.get(name), own[name]) for name in _SETTINGS),
        ]
    for name, was, now in settings:
        if was != now:
            raise InputError(f"{who}: {name} was {was!r} there and is {now!r} here, so this is another judge")


def asks_nothing(model: JudgeModel, before: EarlierCalls) -> bool:
    """Whether every call about the questions of that run is taken over."""
    called = {call.event.question_id for call in before.calls.values()}
    skips = (before.config.get("judge") or {}).get("ties") == "skip"  # so that it has no calls of some questions
    asked = [question for question in before.questions if question in called or not skips]
    units = (f"{model.label}#{index}/{question}" for index in range(model.rankings) for question in asked)
    return bool(asked) and all(_is_taken(model, before.calls.get(unit)) for unit in units)


def _is_taken(model: JudgeModel, found: EarlierCall | None) -> bool:
    return found is not None and found.event.outcome not in (model.again or ())


def take_over(calls: Calls, before: EarlierCalls, environment: Mapping[str, str]) -> None:
    """Records the missing calls that another run has.

    Raises:
        InputError: they were asked something else there than they would be here.
    """
    require_same_judge(calls.ctx.config, calls.model, calls.answers.conditions, before)
    for number, call in enumerate(calls.missing, start=calls.done + 1):
        found = before.calls.get(call.key)
        if found is None or not _is_taken(calls.model, found):
            continue
        calls.ctx.check_stop()
        unit = calls.ctx.begin(call.key)
        unit.add(_taken(calls, call, before, found, unit, environment))
        unit.complete()
        calls.ctx.progress(number, calls.total, f"{calls.model.label}: taken over")


def _taken(
    calls: Calls, call: Call, before: EarlierCalls, found: EarlierCall, unit: Unit, environment: Mapping[str, str]
) -> JudgeCalled:
    event, model = found.event, calls.model
    if event.shown_order != list(call.order) or event.judge_kind != model.kind:
        raise _differs(call, before, "the answers were shown in another order there")
    prompt = _prompt(call, calls.answers, before, found)
    beside_there, beside = _beside(calls, call, before.config), _beside(calls, call, resolved(calls.ctx.config))
    address = _address(calls, environment)
    key = judging_key(place_name(model.model), address, prompt, call.order, call.index, beside_there)
    if key != event.request_key:
        told = "question, answers, address or settings are others than there, for the request would be another one"
        raise _differs(call, before, told)
    read = _read_again(call, model, found)
    changed = [] if read.outcome == event.outcome else [read.problem, f"{event.outcome} in run {before.run_id}"]
    return event.model_copy(
        update={
            "outcome": read.outcome,
            "ranking": read.ranking,
            "template": unit.text(found.template) if event.template else None,
            "prompt": unit.text(found.prompt) if event.prompt else None,
            "reply": unit.text(found.reply),
            "reasoning": unit.text(found.reasoning) if event.reasoning else None,
            "chat_template": unit.text(found.chat_template) if event.chat_template else None,
            "detail": "; ".join(filter(None, [*changed, event.detail])),
            "request_key": judging_key(place_name(model.model), address, prompt, call.order, call.index, beside),
            "rule": READING_RULE,
            "taken_from": TakenFrom(run_id=before.run_id, first=before.first, event=found.seq),
        }
    )


def _differs(call: Call, before: EarlierCalls, told: str) -> InputError:
    return InputError(
        f"judge {call.model.label!r}: the reply to question {call.question.question_id!r} cannot be taken over from "
        f"run {before.run_id}: {told}; leave `recorded` out to ask this judge"
    )


# ---------------------------------------------------------------- what was asked


def _prompt(call: Call, answers: Answers, before: EarlierCalls, found: EarlierCall) -> str:
    """What the call asks here, by the template that was used there; a local judge's is that of its tokenizer."""
    case = quoted_case(call.question, shown_answers(call, answers))
    if call.model.kind == "planted":
        return case
    try:
        asked = asked_by(json.loads(found.template), case, labels_for(len(call.order)))
        contents = [str(message["content"]) for message in asked]
        prompt = spelled(asked)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _differs(call, before, "its template is none that this program reads") from None
    there = found.prompt.replace(" ", "")
    fits = all(content.replace(" ", "") in there for content in contents)
    if prompt != found.prompt if call.model.kind == "openai" else not fits:
        raise _differs(call, before, "its question or the answers to it are others than there")
    return found.prompt


def _beside(calls: Calls, call: Call, config: Mapping[str, Any]) -> dict[str, Any]:
    """What is part of a request beside the prompt; of a planted judge the world, which a configuration names."""
    model = call.model
    if model.kind == "local":
        return local_parameters(labels_for(len(call.order)), model.calibration)
    if model.kind == "planted":
        world = (config.get("data") or {}).get("world") or ""
        return {"world": world.rpartition("/")[2]}
    return judging_parameters(
        calls.ctx.config.run.seed,
        model.label,
        call.index,
        call.question.question_id,
        model.temperature,
        model.max_tokens,
        model.extra_body,
        model.reasoning,
    )


def _address(calls: Calls, environment: Mapping[str, str]) -> str | None:
    if calls.model.kind != "openai":
        return None
    asked = endpoint_of(calls.model.model_dump(mode="json"), resolved(calls.ctx.config))
    return address_of(asked.get("base_url"), environment)


# ---------------------------------------------------------------- what was said


def _read_again(call: Call, model: JudgeModel, found: EarlierCall) -> _Read:
    event = found.event
    try:
        ranking, problem = list(_ranking(call, found.reply)), ""
    except Malformed as error:
        ranking, problem = None, str(error)
    if model.kind != "openai" and ranking is None:
        raise InputError(f"judge {model.label!r}: a reply that was taken over ranks nothing: {problem}")
    outcome = outcome_of(
        ranking is not None,
        event.finish_reason,
        event.outcome == "refused",
        event.completion_tokens,
        model.max_tokens,
    )
    return _Read(outcome, ranking, problem)


def _ranking(call: Call, reply: str) -> Iterator[str]:
    """The conditions, best first, as a reply names them or their labels.

    Raises:
        Malformed: it ranks nothing.
    """
    labels = labels_for(len(call.order))
    if call.model.kind == "openai":
        named: Sequence[Any] = parse_ranking(reply, labels)
    elif call.model.kind == "local":
        named = reply.split(" > ")
    else:
        label_of = dict(zip(call.order, labels, strict=True))
        named = [label_of.get(name, "") for name in _names(reply)]
    if sorted(named) != sorted(labels):
        raise Malformed("it does not name every answer once")
    yield from (call.order[labels.index(label)] for label in named)


def _names(reply: str) -> list[str]:
    try:
        names = json.loads(reply)
    except (ValueError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
