"""What models were asked: prompts put together again from template and texts, and the keys of the requests."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.facts.judging.endpoints import endpoint_of
from core.facts.judging.prompts import (
    LABELS,
    TEMPLATES,
    Messages,
    asked_by,
    case_to_judge,
    case_to_write,
    quoted_text,
    spelled,
    template_name,
)
from core.facts.judging.requests import (
    WRITING_TRIES,
    address_of,
    judging_key,
    judging_parameters,
    local_parameters,
    writing_key,
    writing_parameters,
)
from core.facts.plural import number_of
from storage.verifier.contents.judgements import judges_of_record
from storage.verifier.contents.texts import CHARACTERS_AT_A_TIME, Texts
from storage.verifier.ground.finding import brief, broken, one_of, spend
from storage.verifier.ground.record import Found, Record


@cache
def _shipped_template(kind: str) -> str:
    """SHA-256 of the template that this program ships."""
    return hashlib.sha256(spelled(TEMPLATES[kind]).encode()).hexdigest()


class Case:
    """Rule, question and answers as a prompt quotes them: one JSON object, written once for all orders."""

    def __init__(self, texts: Texts, planned: Any, answers: Mapping[str, Mapping[str, Any]]) -> None:
        rule, question = planned or (None, None)
        self.rule = _quoted(texts, rule)
        self.question = _quoted(texts, question)
        self.answers = {condition: _quoted(texts, answer) for condition, answer in answers.items()}

    def shown(self, order: list[str]) -> str | None:
        """The object with the answers in an order; None where a text of it is not here."""
        answers = [self.answers.get(condition) for condition in order]
        known = [answer for answer in answers if answer is not None]
        if self.rule is None or self.question is None or len(known) < len(order):
            return None
        return case_to_judge(self.rule, self.question, known)


def _quoted(texts: Texts, reference: Mapping[str, Any] | None) -> str | None:
    body = None if reference is None else texts.body(reference)
    return None if body is None else quoted_text(body)


class Prompts:
    """Compares prompts one after the other; `exact` is how many are what template and texts give.

    `others` counts the prompts of each template that is not the shipped one, by its SHA-256. `unlike` are prompts of
    judges on that machine that hold other words: its tokenizer may have taken marks in them apart, which cannot be told
    from a forgery here.
    """

    def __init__(self, record: Record, texts: Texts) -> None:
        self.record = record
        self.texts = texts
        self.exact = self.unlike = 0
        self.others: Counter[str] = Counter()
        self.templates: dict[str, Messages | None] = {}
        self.judges = judges_of_record(record)
        engines = [event.values["environment"] for event in record.kept.get("engine.started", ())]
        self.environments: list[Mapping[str, str]] = engines or [{}]

    def check_call(self, event: Found, case: Case) -> None:
        """The prompt of a judge call, and its key."""
        values, kind = event.values, event.values["judge_kind"]
        what = f"judge {brief(values['judge'])} on question {brief(values['question_id'])}"
        shown = prompt = values["question_id"] if kind == "recorded" else case.shown(values["shown_order"])
        if kind in TEMPLATES:
            if not {"prompt", "template"} <= values.keys():
                raise broken(f"{what}: what it was asked is not recorded", event.seq)
            template, prompt = self._template(event, kind, what), self.texts.body(values["prompt"])
            if shown is not None and prompt is not None and template is not None:
                asked = asked_by(template, shown, LABELS[: len(values["shown_order"])])
                self._compare(event, kind, prompt, asked, shown, what)
        if prompt is not None and values["request_key"] not in self._judging_keys(values, prompt):
            raise broken(f"{what}: its request key is not that of its model, prompt and settings", event.seq)

    def check_written(self, event: Found, rule: Mapping[str, Any] | None) -> None:
        """What a model that wrote questions was asked, and the key of its request; `rule` is None before the plan."""
        values, what = event.values, f"the model that wrote questions of clause {event.values['clause_id']}"
        template, prompt = self._template(event, "writer", what), self.texts.body(values["prompt"])
        case = _quoted(self.texts, rule)
        if prompt is None:
            return
        if template is not None and case is not None:
            shown = case_to_write(case)
            self._compare(
                event, "writer", prompt, asked_by(template, shown, count=len(values["questions"])), shown, what
            )
        if values["request_key"] not in self._writing_keys(values, prompt):
            raise broken(f"{what}: its request key is not that of its prompt and settings", event.seq)

    def _template(self, event: Found, kind: str, what: str) -> Messages | None:
        """The template that a call names; None where its text is not here."""
        reference = event.values["template"]
        name = reference["sha256"]
        configured = self._section(event, kind).get("template")
        if configured is not None and name != hashlib.sha256(configured.encode("utf-8", "surrogatepass")).hexdigest():
            raise broken(f"{what}: the template of its prompt is not the one of the configuration", event.seq)
        if name != _shipped_template(template_name(kind, self._section(event, kind).get("reasoning"))):
            self.others[name] += 1
        if name not in self.templates:
            body = self.texts.body(reference)
            self.templates[name] = None if body is None else json.loads(body)
        template = self.templates[name]
        if template is not None and not any("{case}" in message["content"] for message in template):
            raise broken(f"{what}: the template of its prompt has no place for what is asked about", event.seq)
        return template

    def _section(self, event: Found, kind: str) -> Mapping[str, Any]:
        """What the configuration says of who was asked."""
        if kind == "writer":
            return (self.record.genesis["config"].get("answer") or {}).get("generate") or {}
        label = event.values["judge"].rpartition("#")[0]
        section: Mapping[str, Any] = one_of(self.judges, label, "the configuration's judge", event.seq)
        return section

    def _compare(self, event: Found, kind: str, prompt: str, asked: Messages, shown: str, what: str) -> None:
        spend(self.record, len(prompt) // CHARACTERS_AT_A_TIME)
        if kind == "local":
            fits = all(_bare(message["content"]) in _bare(prompt) for message in asked)
            self.exact, self.unlike = self.exact + fits, self.unlike + (not fits)
        elif prompt == spelled(asked):
            self.exact += 1
        else:
            raise broken(f"{what} was asked something else than template, texts and their order give", event.seq)

    def _judging_keys(self, values: Mapping[str, Any], prompt: str) -> Iterator[str]:
        """The keys that a call can have: an address may be that of any engine's environment."""
        label, _, number = values["judge"].rpartition("#")
        order, kind, index = values["shown_order"], values["judge_kind"], int(number)
        section = one_of(self.judges, label, "the configuration's judge", 1)
        model = section.get("model", "")
        if kind == "openai":
            sampling = section.get("temperature", 0.0), section.get("max_tokens", 1024)
            beside = section.get("extra_body"), section.get("reasoning")
            seed, question = self.record.genesis["seed"], values["question_id"]
            parameters = judging_parameters(seed, label, index, question, *sampling, *beside)
            for address in self.addresses(section):
                yield judging_key(model, address, prompt, order, index, parameters)
        elif kind == "recorded":
            for read in self.record.counted("rankings.read"):
                if read.values["judge"] == label:
                    yield judging_key(model, None, prompt, order, index, {"file": read.values["file"]["sha256"]})
        else:
            world = Path((self.record.genesis["config"].get("data") or {}).get("world") or "").name
            local = local_parameters(LABELS[: len(order)], section.get("calibration"))
            yield judging_key(model, None, prompt, order, index, local if kind == "local" else {"world": world})

    def _writing_keys(self, values: Mapping[str, Any], prompt: str) -> Iterator[str]:
        section = (self.record.genesis["config"].get("answer") or {}).get("generate") or {}
        seed, clause, count = self.record.genesis["seed"], values["clause_id"], len(values["questions"])
        for address in self.addresses(section):
            for attempt in range(WRITING_TRIES):
                beside = section.get("extra_body"), section.get("temperature")
                parameters = writing_parameters(seed, clause, attempt, count, *beside)
                yield writing_key(values["model"], address, prompt, parameters)

    def addresses(self, section: Mapping[str, Any]) -> set[str]:
        """Where one who is asked can have been asked: an address may be that of any engine's environment."""
        configured = endpoint_of(section, self.record.genesis["config"]).get("base_url")
        return {address_of(configured, environment) for environment in self.environments}

    def notes(self) -> list[str]:
        """What has to be said of the prompts before all else."""
        told = []
        if self.others:
            prompts, more = number_of(sum(self.others.values()), "prompt"), len(self.others)
            many = f" ({more} such templates)" if more > 1 else ""
            told.append(f"{prompts} by a prompt template that is not the shipped one{many}")
        if self.unlike:
            told.append(
                f"{number_of(self.unlike, 'prompt')} of judges on that machine with other words than the template's"
            )
        return told


def _bare(text: str) -> str:
    """A text without blanks: where it spells a tokenizer's special token, a blank was put into it."""
    return text.replace(" ", "")
