"""Questions: numbered within the clauses that were asked for, as a file or a model gave them; how answers end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from storage.verifier.ground.finding import brief, broken, one_of, same, whole
from storage.verifier.ground.record import Found, Record


def check_questions(record: Record) -> str:
    """Questions have the numbers and clauses of the configuration; answers end by themselves or at their limit."""
    whole(record)
    planned, answers = record.counted("questions.planned"), record.counted("answer.given")
    if not planned:
        return "no questions are planned"
    if len(planned) > 1:
        raise broken("the questions are planned twice", planned[1].seq)
    _check_plan(record, planned[0])
    for event in answers:
        _check_length(record, event)
    return f"{len(planned[0].values['questions'])} questions of {len(planned[0].values['clauses'])} clauses, numbered"


def _check_plan(record: Record, event: Found) -> None:
    """Questions are numbered within their clauses, without gaps, and those of a model are what it wrote."""
    section = record.genesis.get("config", {}).get("answer") or {}
    known = [clause["clause_id"] for clause in event.values["clauses"]]
    if known != sorted(set(known)) or len(known) > section.get("clauses", len(known)):
        raise broken("the clauses are not those that the configuration asks for, in order", event.seq)
    by_clause: dict[int, list[dict[str, Any]]] = {number: [] for number in known}
    last: dict[int, int] = {}
    for question in event.values["questions"]:
        listed = one_of(by_clause, question["clause_id"], "the clause", event.seq)
        if not _rises(section, question, last):
            name = f"{question['clause_id']}:{len(listed)}"
            same(question["question_id"], name, "the number of a question within its clause", event.seq)
        listed.append(question["text"])
    model = (section.get("generate") or {}).get("model")
    same(event.values["origin"], model or "file", "where the questions come from", event.seq)
    most = section.get("per_clause") or math.inf
    for number, texts in by_clause.items():
        if not 0 < len(texts) <= most or len({text["sha256"] for text in texts}) != len(texts):
            raise broken(f"clause {number} has no questions, too many, or one of them twice", event.seq)
    for written in record.counted("questions.generated"):
        same(written.values["model"], model, "the model that wrote questions", written.seq)
        texts = one_of(by_clause, written.values["clause_id"], "the clause", written.seq)
        same(texts, written.values["questions"], "the questions planned of those that a model wrote", event.seq)


def _rises(section: Mapping[str, Any], question: Mapping[str, Any], last: dict[int, int]) -> bool:
    """Whether a question is numbered as lines of rankings or answers may be, of which some may be missing."""
    clause, _, number = question["question_id"].partition(":")
    own = question["clause_id"]
    if not str(section.get("questions", "")).endswith(".jsonl") or clause != str(own) or not number.isdecimal():
        return False
    rises = int(number) > last.get(own, -1) and str(int(number)) == number
    last[own] = int(number)
    return rises


def _check_length(record: Record, event: Found) -> None:
    """An answer ends by itself, or after as many tokens as the configuration allows."""
    section = record.genesis.get("config", {}).get("answer") or {}
    tokens, most = event.values["tokens"], section["max_tokens"]
    if not 0 <= tokens <= most or (event.values["finish"] == "length" and tokens != most):
        told = f"an answer of {tokens} tokens ended by {brief(event.values['finish'])}; at most {most} are allowed"
        raise broken(told, event.seq)
