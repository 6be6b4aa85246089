"""The log-probabilities of the frozen base model: as many as recorded, no more than the schedules can need."""

from __future__ import annotations

import json
import math
from typing import Any

from core.facts.plural import number_of
from core.facts.training.rules import REFERENCE_COLUMNS, REFERENCE_FORMAT, REFERENCE_TYPE
from storage.verifier.contents.artifact_files import artifact_file
from storage.verifier.ground.finding import Finding, brief, broken, same, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.shapes import A_HASH
from storage.verifier.training.held_out_split import split_of_record
from storage.verifier.training.weights import conditions_of_record

LARGEST_REFERENCE = 512 * 1024**2
"""Bytes of its file that are read: five million sequences."""


def check_reference(record: Record) -> str:
    """The file holds one finite log-probability for each of as many distinct sequences as the event says."""
    whole(record)
    found = record.counted("reference.computed")
    if not found:
        return "no reference was computed"
    event = found[0]
    sequences, artifact = event.values["sequences"], event.values["artifact"]
    most = most_sequences(record)
    if most is not None and sequences > most:
        raise broken(f"the reference has {sequences} sequences; the schedules can need {most} at most", event.seq)
    path = artifact_file(record, artifact, REFERENCE_TYPE, "the file of the reference", event.seq)
    if path.stat().st_size > LARGEST_REFERENCE:
        raise Finding("unchecked", "the file of the reference is larger than what is read here", event.seq)
    _check_file(json.loads(path.read_bytes()), event)
    return f"{number_of(sequences, 'log-probability', 'log-probabilities')}, one for each distinct sequence"


def most_sequences(record: Record) -> int | None:
    """Two for every pair that a schedule takes, or that is measured; None where no pairs are recorded."""
    built = record.counted("pairs.built")
    trained = [event.values for event in conditions_of_record(record).values() if event.values["source"] != "none"]
    taken = sum(values["steps"] * values["batch"] for values in trained)
    split = split_of_record(record)
    measured = split.values["measured"] if split else 0
    return 2 * min(taken + measured, built[0].values["pairs"]) if built else None


def _check_file(body: Any, event: Found) -> None:
    what = "the file of the reference"
    if not isinstance(body, dict) or not isinstance(body.get("rows"), list):
        raise broken(f"{what} holds no rows", event.seq)
    same(body.get("format"), REFERENCE_FORMAT, f"{what}: its format", event.seq)
    same(body.get("columns"), list(REFERENCE_COLUMNS), f"{what}: its columns", event.seq)
    same(len(body["rows"]), event.values["sequences"], f"{what}: its sequences", event.seq)
    keys = set()
    for row in body["rows"]:
        if not isinstance(row, list) or len(row) != len(REFERENCE_COLUMNS) or not _is_log_probability(row[1]):
            raise broken(f"{what} holds {brief(row)}, which is no log-probability of a sequence", event.seq)
        keys.add(row[0])
    if len(keys) != len(body["rows"]) or not all(map(_is_sequence, keys)):
        raise broken(f"{what} names a sequence twice, or by something that is no SHA-256", event.seq)


def _is_log_probability(value: Any) -> bool:
    """Not above 0, but for rounding."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -math.inf < value < 0.1


def _is_sequence(key: Any) -> bool:
    return isinstance(key, str) and A_HASH.fullmatch(key) is not None
