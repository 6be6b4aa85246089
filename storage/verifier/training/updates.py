"""Updates: what is made of the sums follows from them, layers add up to the whole, and none is larger than possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from core.facts.plural import number_of
from storage.verifier.ground.finding import Finding, brief, broken, one_of, same, whole
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.steps_match import check_search, searches_of

_CLOSE = 1e-9
"""What float64 leaves of sums of squares."""

_SUMS: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "squared l2": lambda row: float(row["l2"]) ** 2,
    "squared base_l2": lambda row: float(row["base_l2"]) ** 2,
    "the sum of differences": lambda row: float(row["mean_abs"]) * row["numbers"],
    "the count of changes": lambda row: float(row["changed"]) * row["numbers"],
    "the count of changes in bfloat16": lambda row: float(row["changed_bf16"]) * row["numbers"],
}
"""What is summed over layers, from the row of one and of the whole."""


def check_updates(record: Record) -> str:
    """Every number that follows from the others, and every search of steps. The sums themselves take the models."""
    found = consistent_updates(record)
    if not found:
        return "no update is recorded"
    told = f"{number_of(len(found), 'update')} consistent; `dempo verify` measures them again where the models are"
    raise Finding("unknown", told, next(iter(found.values())).seq)


def consistent_updates(record: Record) -> dict[str, Found]:
    """The update of every condition and candidate by its name, once what plain Python can see was compared.

    Raises:
        Finding: something does not follow.
    """
    whole(record)
    ready = record.counted("model.ready")
    found: dict[str, Found] = {}
    for event in record.counted("update.measured"):
        name = event.values["condition"]
        if name in found:
            raise broken(f"the update of {brief(name)} was measured twice", event.seq)
        found[name] = event
        _check_update(event, ready[0].values["parameters"] if ready else None)
    trained = {event.values["condition"]: event for event in record.counted("train.checkpoint")}
    searches = searches_of(record)
    for event in record.counted("steps.matched"):
        search = one_of(searches, event.values["condition"], "the search of", event.seq)
        check_search(event, search, trained, found)
    return found


def _check_update(event: Found, parameters: int | None) -> None:
    values, seq = event.values, event.seq
    what = f"the update of {brief(values['condition'])}"
    if parameters is not None and not 0 <= values["numbers"] <= parameters:
        raise broken(f"{what} is of {values['numbers']} numbers, and the base model has {parameters}", seq)
    for row in (values, *values["layers"]):
        _check_row(row, f"{what}, {row['layer']}" if "layer" in row else what, seq)
    rows = values["layers"]
    named = {row["layer"] for row in rows}
    if len(named) < len(rows) or "" in named:
        raise broken(f"{what} has a layer twice, or one without a name", seq)
    same(sum(row["numbers"] for row in rows), values["numbers"], f"{what}: the numbers of its layers", seq)
    for name, of_row in _SUMS.items():
        _require_near(of_row(values), math.fsum(map(of_row, rows)), f"{what}: {name}, by its layers,", seq)


def _check_row(row: Mapping[str, Any], what: str, seq: int) -> None:
    """rms, relative and shares of the whole or of a layer."""
    d, l2, base = row["numbers"], float(row["l2"]), float(row["base_l2"])
    if d < 0 or (d == 0 and "layer" in row):
        raise broken(f"{what}: there are {d} numbers", seq)
    for name in ("l2", "base_l2", "mean_abs"):
        if float(row[name]) < 0:
            raise broken(f"{what}: {name} is {row[name]}", seq)
    _require_near(float(row["rms"]), l2 / math.sqrt(d) if d else 0.0, f"{what}: rms", seq)
    relative = l2 / base if base else (math.inf if l2 else 0.0)
    _require_near(float(row["relative"]), relative, f"{what}: relative", seq)
    changed, rounded = float(row["changed"]), float(row["changed_bf16"])
    counted = all(abs(d * share - round(d * share)) < 1e-3 for share in (changed, rounded))
    if not 0 <= rounded <= changed <= 1 or not counted:
        raise broken(f"{what}: {changed} and after rounding {rounded} are no shares of {d} numbers that differ", seq)
    if (l2 > 0) != (changed > 0) or (float(row["mean_abs"]) > 0) != (changed > 0):
        raise broken(f"{what} is {l2}, and {changed} of its numbers differ", seq)
    if float(row["mean_abs"]) > float(row["rms"]) * (1 + _CLOSE):
        raise broken(f"{what}: the mean of the differences is larger than the root of the mean of their squares", seq)


def _require_near(found: float, wanted: float, what: str, seq: int) -> None:
    alike = found == wanted or math.isclose(found, wanted, rel_tol=_CLOSE) or (found != found and wanted != wanted)
    if not alike:
        raise broken(f"{what} is {found}; it is {wanted}", seq)
