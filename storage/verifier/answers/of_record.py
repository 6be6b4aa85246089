"""The answers of a record, whichever way they came about, and which of them are equal."""

from __future__ import annotations

from collections import Counter

from storage.verifier.ground.finding import once
from storage.verifier.ground.record import Found, Record

ANSWER_KINDS = ("answer.given", "answer.read", "answer.received")
"""Kinds of events that are an answer."""


@once
def answers_of_record(record: Record) -> list[Found]:
    """All answers that count, in the order of the record."""
    found = [event for kind in ANSWER_KINDS for event in record.counted(kind)]
    return sorted(found, key=lambda event: event.seq)


@once
def texts_of_answers(record: Record) -> dict[str, Counter[str]]:
    """How many answers to each question are each text, by its SHA-256."""
    found: dict[str, Counter[str]] = {}
    for event in answers_of_record(record):
        if "answer" in event.values:
            found.setdefault(event.values["question_id"], Counter())[event.values["answer"]["sha256"]] += 1
    return found
