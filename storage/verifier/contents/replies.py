"""What models said: rankings and questions are those of their replies, and prompts what the record gives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from core.facts.judging.outcomes import outcome_of
from core.facts.judging.prompts import LABELS
from core.facts.judging.replies import READING_RULE, Malformed, parse_ranking
from core.facts.judging.written import WRITING_RULE, Taken, written_questions
from core.facts.plural import number_of
from storage.verifier.answers.of_record import answers_of_record
from storage.verifier.answers.received import Received
from storage.verifier.contents.judgements import judges_of_record
from storage.verifier.contents.prompts import Case, Prompts
from storage.verifier.contents.texts import Texts
from storage.verifier.contents.whole import withheld_by
from storage.verifier.ground.changes import settings_of_record
from storage.verifier.ground.finding import (
    Finding,
    brief,
    broken,
    one_of,
    rule_of,
    same,
    spend,
    unreadable,
    whole,
)
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Found, Record

NAMING = ("planted", "recorded")
"""Kinds of judges whose replies name the conditions."""


class Replies:
    """Replies as they are read: each once, however many calls refer to it: a small record could name a text that reads
    slowly in each."""

    def __init__(self, record: Record, texts: Texts) -> None:
        self.record = record
        self.texts = texts
        self.judges = judges_of_record(record)
        self.readings: dict[tuple[str, str, int], tuple[str, ...] | None] = {}

    def reading(self, text: Mapping[str, Any], kind: str, labels: int) -> tuple[str, ...] | None:
        """What a reply that is here ranks."""
        key = text["sha256"], kind, labels
        if key not in self.readings:
            reply = self.texts.body(text)
            self.readings[key] = None if reply is None else _read(reply, kind, LABELS[:labels])
        return self.readings[key]

    def limit(self, event: Found) -> int:
        """How many tokens a reply to a call may have."""
        model = event.values["judge"].rpartition("#")[0]
        allowed: int = one_of(self.judges, model, "the configuration's judge", event.seq).get("max_tokens", 1024)
        return allowed


def check_replies(record: Record) -> str:
    """Rankings, questions and answers are what replies say, no usable one is called unusable, and prompts show the
    answers."""
    whole(record)
    calls, written = record.counted("judge.called"), record.counted("questions.generated")
    received = record.counted("answer.received")
    if not calls and not written and not received:
        return "no judge was called"
    try:
        with closing(opened_safely(record.database)) as db:
            texts = Texts(record, db)
            replies, prompts = Replies(record, texts), Prompts(record, texts)
            rules = {number: rule for number, rule, _ in _planned_texts(record).values()}
            taken = Taken(lambda steps: spend(record, steps))
            for event in written:
                _check_written(event, texts, taken)
                prompts.check_written(event, rules.get(event.values["clause_id"]))
            _check_received(record, received, texts, prompts)
            _check_calls(record, calls, replies, prompts)
    except sqlite3.Error as error:
        raise unreadable(error) from None
    found = _absent(record, texts)
    if found is not None:
        found.detail = "; ".join([*prompts.notes(), found.detail])
        raise found
    return "; ".join([*prompts.notes(), *_told(written, received, calls, prompts)])


def _told(written: list[Found], received: list[Found], calls: list[Found], prompts: Prompts) -> Iterator[str]:
    """What was compared."""
    if received:
        yield f"{number_of(len(received), 'answer')} of endpoints are those of the replies"
    if written and not calls:
        yield f"the questions of {number_of(len(written), 'clause')} are those of the replies"
    if calls:
        yield f"{len(calls)} outcomes follow from the replies"
        yield f"{prompts.exact} prompts are what template and texts give"
    else:
        yield "no judge was called"


def _absent(record: Record, texts: Texts) -> Finding | None:
    """Texts that are not here."""
    absent = len(texts.absent)
    if absent:
        return Finding(
            "withheld" if withheld_by(record.root)[0] >= absent else "unknown",
            f"{number_of(absent, 'text')} of calls to models {'is' if absent == 1 else 'are'} not here, "
            "so they were not compared",
        )
    return None


def _check_calls(record: Record, calls: list[Found], replies: Replies, prompts: Prompts) -> None:
    """Goes through the calls question by question, so that few texts are held at a time."""
    by_question: dict[str, list[Found]] = {}
    for event in calls:
        by_question.setdefault(event.values["question_id"], []).append(event)
    answers: dict[str, dict[str, Mapping[str, Any]]] = {}
    for event in answers_of_record(record):
        if "answer" in event.values:
            answers.setdefault(event.values["question_id"], {})[event.values["condition"]] = event.values["answer"]
    planned = _planned_texts(record)
    for question, listed in by_question.items():
        _, *texts = planned.get(question, (0,))
        case = Case(replies.texts, texts, answers.get(question, {}))
        for event in listed:
            _check_reply(event, replies)
            prompts.check_call(event, case)


def _check_received(record: Record, received: list[Found], texts: Texts, prompts: Prompts) -> None:
    """The answers of models behind endpoints are what they replied, and what they were asked are the questions."""
    asked = {name: question for name, (_, _, question) in _planned_texts(record).items()}
    calls = Received(record, texts, asked)
    for event in received:
        one_of(asked, event.values["question_id"], "the planned question", event.seq)
        calls.check(event, prompts.addresses(calls.section(event)))


def _check_written(event: Found, texts: Texts, taken: Taken) -> None:
    """The questions that a model wrote for a clause are those that are taken of its reply, after those taken before.

    Where a text of any is not here the check ends as "withheld" or "unknown" anyway.
    """
    values = event.values
    rule = rule_of(event, WRITING_RULE, "questions of a model") if "rule" in values else None
    reply = texts.body(values["reply"])
    recorded = [body for question in values["questions"] for body in [texts.body(question)] if body is not None]
    if reply is not None and not texts.absent:
        try:
            said = list(written_questions(reply, len(recorded), taken, rule))
        except Malformed as error:
            raise broken(f"the reply lists no such questions: {error}", event.seq) from None
        same(recorded, said, "the questions of a reply", event.seq)
    for question in recorded:
        taken.add(question)


def _planned_texts(record: Record) -> dict[str, tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Of each planned question its clause's number, and clause and question as references to their texts."""
    found = {}
    for event in record.counted("questions.planned"):
        clauses = {clause["clause_id"]: clause["text"] for clause in event.values["clauses"]}
        for question in event.values["questions"]:
            if question["clause_id"] in clauses:
                found[question["question_id"]] = (
                    question["clause_id"],
                    clauses[question["clause_id"]],
                    question["text"],
                )
    return found


# ------------------------------------------------------------ replies


def _check_reply(event: Found, replies: Replies) -> None:
    values = event.values
    what = f"judge {brief(values['judge'])} on question {brief(values['question_id'])}"
    rule_of(event, READING_RULE, f"the outcome of {what}")
    outcome = values["outcome"]
    if outcome == "failed":
        if not (settings_of_record(replies.record).get("judge") or {}).get("give_up"):
            raise broken(f"{what} failed for good, but what fails is asked again until there is a reply", event.seq)
        if "reply" in values:
            raise broken(f"{what} failed, and yet has a reply", event.seq)
        return
    if "reply" not in values:
        raise broken(f"{what} {outcome}, but no reply is recorded", event.seq)
    if values["judge_kind"] != "openai" and outcome != "ranked":
        raise broken(f"{what} {outcome}, but a judge of this kind always ranks", event.seq)
    said = _ranking_said(values, replies) if replies.texts.here(values["reply"]) else values.get("ranking")
    if outcome == "ranked":
        same(values.get("ranking"), said, f"{what}: the ranking, from the reply,", event.seq)
    elif said is not None:
        raise broken(f"{what} is called {outcome}, but the reply is a ranking: {brief(said)}", event.seq)
    if values["judge_kind"] == "openai":
        _check_ending(event, replies.limit(event), what)


def _check_ending(event: Found, limit: int, what: str) -> None:
    """What a reply that ended so is called. That a model refused in so many words is what the record says of it."""
    values = event.values
    outcome, finish, tokens = values["outcome"], values.get("finish_reason"), values.get("completion_tokens")
    if outcome != outcome_of(outcome == "ranked", finish, outcome == "refused", tokens, limit):
        counted = "" if tokens is None else f" after {tokens} of {limit} tokens"
        raise broken(f"{what} is called {outcome}, but its reply ended by {brief(finish)}{counted}", event.seq)


def _ranking_said(values: Mapping[str, Any], replies: Replies) -> list[str] | None:
    """The conditions, best first, as the reply to a call names them; None where it gives no ranking."""
    kind, shown = values["judge_kind"], values["shown_order"]
    said = replies.reading(values["reply"], kind, len(shown))
    if said is None or kind in NAMING:
        return None if said is None else list(said)
    labels = LABELS[: len(shown)]
    return [shown[labels.index(label)] for label in said] if sorted(said) == sorted(labels) else None


def _read(reply: str, kind: str, labels: str) -> tuple[str, ...] | None:
    """A planted or recorded judge names the conditions, the others their labels."""
    try:
        if kind in NAMING:
            found = json.loads(reply)
            return tuple(found) if isinstance(found, list) else None
        return parse_ranking(reply, labels) if kind == "openai" else tuple(reply.split(" > "))
    except (Malformed, ValueError, RecursionError):
        return None
