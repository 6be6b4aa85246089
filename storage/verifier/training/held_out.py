"""What was measured on held-out pairs: every number again from the margins, in plain Python."""

from __future__ import annotations

import json
import math
from typing import Any

from core.facts.plural import number_of
from core.facts.randomness import RandomStream
from core.facts.training.held_out_metrics import RESAMPLES, RESAMPLING, Group, RaterResamples, held_out_values
from core.facts.training.split import MARGINS_FORMAT, MARGINS_TYPE, is_measured_after
from storage.verifier.contents.artifact_files import artifact_file
from storage.verifier.contents.pool import in_order_of_pairs, required_pool
from storage.verifier.ground.finding import STEPS_OF_A_NUMBER, Finding, brief, broken, once, same, spend, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.held_out_split import (
    check_split,
    held_out_pairs,
    raters_of_pairs,
    split_of_record,
    split_wanted,
)
from storage.verifier.training.weights import conditions_of_record

LARGEST_MARGINS = 64 * 1024**2
AS_NEAR = 1e-9
"""Of two values of one formula on two machines."""


def check_held_out(record: Record) -> str:
    """The pairs that no condition trains on, drawn again; accuracy, margin, log-loss and intervals from the margins
    of every measurement, which was made when the configuration asks for it. The margins take the models to compute."""
    whole(record)
    split = split_of_record(record)
    measured = record.counted("heldout.measured")
    if split is None:
        if measured:
            raise broken("held-out pairs were measured, and none are held out", measured[0].seq)
        return "no pairs are held out"
    told = check_split(record, split)
    planned = conditions_of_record(record)
    for event in measured:
        if event.values["condition"] not in planned:
            raise broken(f"condition {brief(event.values['condition'])} was measured and never planned", event.seq)
    for name, event in planned.items():
        _check_when(record, name, event, [e for e in measured if e.values["condition"] == name])
    for event in measured:
        _check_measured(record, event, planned[event.values["condition"]])
    return f"{told}; {number_of(len(measured), 'measurement')} worked out again from the margins"


def _check_when(record: Record, name: str, planned: Found, measured: list[Found]) -> None:
    """After which steps a condition was measured, each once and in their order."""
    taken = [event for event in record.counted("train.step") if event.values["condition"] == name]
    steps, every = planned.values["steps"], split_wanted(record)["every"]
    due = [event for event in taken if is_measured_after(event.values["step"], steps, every)]
    what = f"condition {brief(name)}: the steps after which held-out pairs were measured"
    seq = (measured or taken or [planned])[-1].seq
    same([event.values["step"] for event in measured], [event.values["step"] for event in due], what, seq)
    for event, step in zip(measured, due, strict=True):
        if event.seq < step.seq:
            raise broken(f"{what}: one was recorded before its step", event.seq)


def _check_measured(record: Record, event: Found, planned: Found) -> None:
    """All numbers of a measurement."""
    values, what = event.values, f"condition {brief(event.values['condition'])}, step {event.values['step']}"
    margins = _margins(record, event, what)
    _, numbers = held_out_pairs(record)
    same(len(margins), len(numbers), f"{what}: the number of margins", event.seq)
    rater_of = raters_of_pairs(record, event)
    place = {rater_id: r for r, (rater_id, _) in enumerate(in_order_of_pairs(record, required_pool(record, event.seq)))}
    groups = _groups_of_pool(record, event, place)
    last = values["step"] == planned.values["steps"]
    attributes = len({attribute for attribute, _ in groups})
    spend(record, len(margins) + last * RESAMPLES * (STEPS_OF_A_NUMBER + 2 + attributes) * len(set(rater_of)))
    raters = [place[rater_of[p]] for p in numbers]
    overall, categories = held_out_values(margins, raters, groups, _resamples(record) if last else None)
    _same_metrics(values["rows"], overall, what, event)
    _same_metrics(values["categories"], categories, what, event)


def _margins(record: Record, event: Found, what: str) -> list[float]:
    named = f"the file of the margins of {what}"
    path = artifact_file(record, event.values["artifact"], MARGINS_TYPE, named, event.seq)
    if path.stat().st_size > LARGEST_MARGINS:
        raise Finding("unchecked", f"{named} is larger than what is read here", event.seq)
    body = json.loads(path.read_bytes())
    same(body["format"], MARGINS_FORMAT, f"{what}: the format of its margins", event.seq)
    margins = body["margins"]
    if not all(isinstance(m, (int, float)) and not isinstance(m, bool) and math.isfinite(m) for m in margins):
        raise broken(f"{what}: a margin is no finite number", event.seq)
    return [float(margin) for margin in margins]


def _groups_of_pool(record: Record, event: Found, place: dict[str, int]) -> dict[Group, list[int]]:
    """The raters of each category by their places among those with pairs; nobody whom the pool leaves out."""
    pool = required_pool(record, event.seq)
    names, types = pool.values["attributes"], pool.values["types"]
    found: dict[Group, list[int]] = {}
    for column, name in enumerate(names):
        for category in sorted({row["categories"][column] for row in types}):
            found[name, category] = [
                place[rater_id]
                for rater_id, t in zip(pool.rater_ids, pool.type_of, strict=True)
                if types[t]["categories"][column] == category
            ]
    return found


@once
def _resamples(record: Record) -> RaterResamples:
    return RaterResamples(RandomStream(record.genesis["seed"], "train", *RESAMPLING))


def _same_metrics(found: list[dict[str, Any]], wanted: list[Any], what: str, event: Found) -> None:
    same(len(found), len(wanted), f"{what}: the number of its metrics", event.seq)
    for row, value in zip(found, wanted, strict=True):
        expected = value._asdict()
        told = f"{what}: {expected['metric']} ({expected['scope']})"
        for name in ("scope", "metric", "attribute", "category", "raters", "pairs"):
            same(row.get(name), expected[name], f"{told}: its {name}", event.seq)
        for name in ("value", "low", "high"):
            number, again = row.get(name), expected[name]
            if not (number is again is None) and not _is_near(number, again):
                raise broken(f"{told}: its {name} is {number}; from the margins follows {again}", event.seq)


def _is_near(number: Any, again: Any) -> bool:
    if number is None or again is None:
        return False
    return math.isclose(float(number), again, rel_tol=AS_NEAR, abs_tol=AS_NEAR)
