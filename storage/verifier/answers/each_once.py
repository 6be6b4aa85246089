"""Answers, whichever way they came about: one of every condition to every planned question."""

from __future__ import annotations

from core.facts.plural import number_of
from core.facts.sources import source_kind
from storage.verifier.answers.of_record import answers_of_record
from storage.verifier.contents.judgements import (
    check_question,
    names_of_conditions,
    questions_of_record,
    told_of_equal_answers,
)
from storage.verifier.ground.finding import brief, broken, one_of, same, sections, whole
from storage.verifier.ground.record import Found, Record


def kind_of_answers(source: str) -> str:
    """The kind of event that an answer of a condition with this source is."""
    return {"answers": "answer.read", "endpoint": "answer.received"}.get(source_kind(source), "answer.given")


def check_answers(record: Record) -> str:
    """Every condition of the configuration answers every planned question, once, as its source says."""
    whole(record)
    questions, names = questions_of_record(record), names_of_conditions(record)
    listed = sections(record.genesis.get("config", {}), "conditions", "name")
    seen: set[tuple[str, str]] = set()
    for event in answers_of_record(record):
        condition, question = event.values["condition"], event.values["question_id"]
        check_question(questions, event)
        if (names and condition not in names) or (condition, question) in seen:
            raise broken(f"{brief(condition)} is no condition, or answers {brief(question)} twice", event.seq)
        if condition in listed:
            wanted = kind_of_answers(listed[condition].get("source", ""))
            same(event.kind, wanted, f"condition {brief(condition)}: how its answers came about", event.seq)
        seen.add((condition, question))
    for event in record.counted("answers.read"):
        _check_read(record, event)
    if record.ledger.ended("answer") and len(seen) != len(names) * len(questions):
        raise broken(f"the stage of the answers has ended with {len(seen)} of {len(names) * len(questions)}")
    told = f"{number_of(len(seen), 'answer')} to {number_of(len(questions), 'question')}, each given once"
    return "; ".join(filter(None, [told, told_of_equal_answers(record)]))


def _check_read(record: Record, event: Found) -> None:
    """What was read is the file, or the run, that the configuration names."""
    values, listed = event.values, sections(record.genesis["config"], "conditions", "name")
    name, what = values["condition"], f"the answers of condition {brief(values['condition'])}"
    source = one_of(listed, name, "the configuration's condition", event.seq).get("source", "")
    place, _, of = source.partition(":")[2].partition("#")
    if values["rows"] < len(questions_of_record(record)):
        raise broken(f"{what} were read from {values['rows']} rows, fewer than there are questions", event.seq)
    if ("run" in values) == ("sha256" in values) or any(("run" in values) != (k in values) for k in ("of", "head")):
        raise broken(f"{what} are said to be from a file and a run, or from neither", event.seq)
    if "run" in values:
        same(values["name"], place, f"{what}: the folder of the run", event.seq)
        same(values["of"], of or name, f"{what}: the condition of that run", event.seq)
    elif values["name"] != place:
        same(values["name"], f"{name}.jsonl", f"{what}: the file", event.seq)
