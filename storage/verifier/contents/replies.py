"""What models were shown and said: prompts hold the recorded answers, rankings and questions are those of replies."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from core.facts.judging.replies import READING_RULE, Malformed, parse_questions, parse_ranking
from core.facts.plural import number_of
from storage.verifier.contents.whole import withheld_by
from storage.verifier.ground.finding import Finding, brief, broken, outdated, rule_of, same, spend, unreadable, whole
from storage.verifier.ground.reading import opened_safely
from storage.verifier.ground.record import Found, Record

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HALVES = re.compile("[\ud800-\udfff]")
TEMPLATE_MARKS = re.compile(r"<(?=[|｜])|<(?=/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)>)|\[(?=/?INST\])")
CHARACTERS_AT_A_TIME = 50
"""Characters of a text that are read and compared in one of the steps of `finding.spend`."""


Reading = tuple[str, ...] | None
"""What a reply ranks, by its labels; None where it gives no ranking."""


class Texts:
    """The texts of a record; `absent` counts those that are not here.

    A reply is read once, however many calls refer to it: a small record could name a text that reads slowly in each.
    `misread` are the calls whose outcome is what only the rule of their time gives.
    """

    def __init__(self, record: Record, db: sqlite3.Connection) -> None:
        self.record = record
        self.db = db
        self.absent = 0
        self.misread: list[Found] = []
        self.readings: dict[tuple[str, str, int, int], Reading] = {}

    def body(self, text: Mapping[str, Any]) -> str | None:
        """A text, exactly; None where it is not here."""
        row = self.db.execute("SELECT body FROM blobs WHERE sha256 = ?", [text["sha256"]]).fetchone()
        if row is None:
            self.absent += 1
            return None
        spend(self.record, 1 + len(row[0]) // CHARACTERS_AT_A_TIME)
        return bytes(row[0]).decode("utf-8", "surrogatepass")

    def here(self, text: Mapping[str, Any]) -> bool:
        """Whether a text is here; counted where it is not."""
        found = self.db.execute("SELECT 1 FROM blobs WHERE sha256 = ?", [text["sha256"]]).fetchone() is not None
        self.absent += not found
        return found

    def reading(self, text: Mapping[str, Any], kind: str, labels: int, rule: int) -> Reading:
        """What a reply that is here ranks, read by a rule."""
        key = text["sha256"], kind, labels, rule
        if key not in self.readings:
            reply = self.body(text)
            self.readings[key] = None if reply is None else _read(reply, kind, LETTERS[:labels], rule)
        return self.readings[key]


def check_replies(record: Record) -> str:
    """Rankings and questions are what replies say, no usable one is called unusable, and prompts show the answers."""
    whole(record)
    calls, written = record.counted("judge.called"), record.counted("questions.generated")
    if not calls and not written:
        return "no judge was called"
    try:
        with closing(opened_safely(record.database)) as db:
            texts = Texts(record, db)
            for event in written:
                _check_written(event, texts)
            shown = _check_calls(record, calls, texts)
    except sqlite3.Error as error:
        raise unreadable(error) from None
    if texts.misread:
        raise outdated(
            f"the outcome of {number_of(len(texts.misread), 'judge call')}",
            "it took the object of a quotation, or of a thought, for the judge's own word; `dempo clone` judges anew",
            texts.misread[0].seq,
        )
    if texts.absent:
        withheld = withheld_by(record.root)[0] >= texts.absent
        raise Finding(
            "withheld" if withheld else "unknown",
            f"{number_of(texts.absent, 'text')} of calls to models {'is' if texts.absent == 1 else 'are'} not here, "
            "so they were not compared",
        )
    if not calls:
        return f"the questions of {number_of(len(written), 'clause')} are those of the replies; no judge was called"
    return f"{len(calls)} outcomes follow from the replies; {shown} prompts show the recorded answers in their order"


def _check_calls(record: Record, calls: list[Found], texts: Texts) -> int:
    """Goes through the calls question by question, so that few texts are held at a time; how many prompts hold."""
    by_question: dict[str, list[Found]] = {}
    for event in calls:
        by_question.setdefault(event.values["question_id"], []).append(event)
    answers: dict[str, dict[str, Mapping[str, Any]]] = {}
    for event in record.counted("answer.given"):
        answers.setdefault(event.values["question_id"], {})[event.values["condition"]] = event.values["answer"]
    planned = _planned_texts(record)
    shown = 0
    for question, listed in by_question.items():
        case = None
        for event in listed:
            _check_reply(event, texts)
            if event.values["judge_kind"] == "openai" and "prompt" in event.values:
                case = case or Case(texts, planned.get(question), answers.get(question, {}))
                shown += _check_prompt(event, case, texts)
    return shown


def _check_written(event: Found, texts: Texts) -> None:
    """The questions that a model wrote for a clause are those that its reply lists."""
    reply = texts.body(event.values["reply"])
    recorded = [texts.body(question) for question in event.values["questions"]]
    if reply is None or None in recorded:
        return
    try:
        said = list(parse_questions(reply, len(recorded)))
    except Malformed as error:
        raise broken(f"the reply lists no such questions: {error}", event.seq) from None
    same(recorded, said, "the questions of a reply", event.seq)


def _planned_texts(record: Record) -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Clause and question of each planned question, as references to their texts."""
    found = {}
    for event in record.counted("questions.planned"):
        clauses = {clause["clause_id"]: clause["text"] for clause in event.values["clauses"]}
        for question in event.values["questions"]:
            if question["clause_id"] in clauses:
                found[question["question_id"]] = (clauses[question["clause_id"]], question["text"])
    return found


# ------------------------------------------------------------ replies


def _check_reply(event: Found, texts: Texts) -> None:
    values = event.values
    what = f"judge {brief(values['judge'])} on question {brief(values['question_id'])}"
    outcome, rule = values["outcome"], rule_of(event, READING_RULE, f"the outcome of {what}")
    if ("reply" in values) == (outcome == "failed"):
        raise broken(f"{what} {outcome}, which does not go with whether a reply is recorded", event.seq)
    if values["judge_kind"] != "openai" and outcome != "ranked":
        raise broken(f"{what} {outcome}, but a judge of this kind always ranks", event.seq)
    if outcome == "failed":
        if rule > 1:
            raise broken(f"{what} failed for good, but what fails is asked again until there is a reply", event.seq)
        return
    _check_finish(event, what, outcome)
    if not texts.here(values["reply"]):
        return
    said = _ranking_said(values, texts, READING_RULE)
    if rule < READING_RULE and not _follows(values, said) and _follows(values, _ranking_said(values, texts, rule)):
        texts.misread.append(event)
    elif outcome == "ranked":
        same(values.get("ranking"), said, f"{what}: the ranking, from the reply,", event.seq)
    elif not _follows(values, said):
        raise broken(f"{what} is called {outcome}, but the reply is a ranking: {brief(said)}", event.seq)


def _follows(values: Mapping[str, Any], said: list[str] | None) -> bool:
    """Whether the outcome of a call is what a reply that says this comes to."""
    if values["outcome"] == "ranked":
        return bool(values.get("ranking") == said)
    return said is None or values.get("finish_reason") in ("length", "content_filter")


def _check_finish(event: Found, what: str, outcome: str) -> None:
    """A reply that was cut off, or stopped by a filter, is told apart by what the endpoint gave as its reason."""
    wanted = {"length": ("truncated", "refused"), "content_filter": ("refused",)}
    finish = event.values.get("finish_reason")
    allowed = wanted.get(str(finish), ("ranked", "malformed", "refused"))
    if event.values["judge_kind"] == "openai" and outcome not in allowed:
        raise broken(f"{what} is called {outcome}, but its reply ended by {brief(finish)}", event.seq)


def _ranking_said(values: Mapping[str, Any], texts: Texts, rule: int) -> list[str] | None:
    """The conditions, best first, as the reply to a call names them; None where it gives no ranking."""
    kind, shown = values["judge_kind"], values["shown_order"]
    said = texts.reading(values["reply"], kind, len(shown), rule)
    if said is None or kind == "planted":
        return None if said is None else list(said)
    labels = LETTERS[: len(shown)]
    return [shown[labels.index(label)] for label in said] if sorted(said) == sorted(labels) else None


def _read(reply: str, kind: str, labels: str, rule: int) -> Reading:
    """A planted judge names the conditions, the others their labels."""
    try:
        if kind == "planted":
            found = json.loads(reply)
            return tuple(found) if isinstance(found, list) else None
        return parse_ranking(reply, labels, rule) if kind == "openai" else tuple(reply.split(" > "))
    except (Malformed, ValueError, RecursionError):
        return None


# ------------------------------------------------------------ prompts


class Case:
    """Rule, question and answers as a prompt quotes them: one JSON object, written once for all orders."""

    def __init__(self, texts: Texts, planned: Any, answers: Mapping[str, Mapping[str, Any]]) -> None:
        rule, question = planned or (None, None)
        self.rule = _quoted(texts, rule)
        self.question = _quoted(texts, question)
        self.answers = {condition: _quoted(texts, answer) for condition, answer in answers.items()}

    def shown(self, order: list[str]) -> str | None:
        """The object with the answers in an order; None where a text of it is not here."""
        parts = [self.rule, self.question, *(self.answers.get(condition) for condition in order)]
        if any(part is None for part in parts):
            return None
        rule, question, *answers = parts
        listed = ",\n".join(f'  "{label}": {answer}' for label, answer in zip(LETTERS, answers, strict=False))
        return f'{{\n "rule": {rule},\n "question": {question},\n "answers": {{\n{listed}\n }}\n}}'


def _quoted(texts: Texts, reference: Mapping[str, Any] | None) -> str | None:
    """A text as a JSON string, without half characters and marks that a chat template could read."""
    body = None if reference is None else texts.body(reference)
    if body is None:
        return None
    quoted = HALVES.sub("\ufffd", json.dumps(body, ensure_ascii=False))
    return TEMPLATE_MARKS.sub(lambda mark: f"\\u{ord(mark.group()):04x}", quoted)


def _check_prompt(event: Found, case: Case, texts: Texts) -> int:
    """1 where a prompt shows the recorded answers in the recorded order; 0 where a text is not here."""
    values = event.values
    prompt, shown = texts.body(values["prompt"]), case.shown(values["shown_order"])
    if prompt is None or shown is None:
        return 0
    spend(texts.record, len(shown) // CHARACTERS_AT_A_TIME)
    asked = json.loads(prompt)
    if not any(shown in message["content"] for message in asked):
        what = f"judge {brief(values['judge'])} on question {brief(values['question_id'])}"
        raise broken(f"{what} was shown other texts, or in another order, than the record says", event.seq)
    return 1
