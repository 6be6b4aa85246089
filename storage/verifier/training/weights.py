"""Conditions: the weight of every rater from π, the draw or the pairs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from core.facts.formats import PAIRS_TYPE
from core.facts.plural import number_of
from core.facts.sources import trains
from core.facts.training.schedule import order_of
from core.facts.training.transforms import clip_of, transformed
from core.facts.training.weights import effective_pairs
from storage.verifier.contents.draws import draws_of_record
from storage.verifier.contents.lotteries import chances_by_rater
from storage.verifier.contents.pool import PoolRead, required_pool
from storage.verifier.contents.whole import is_plain_file
from storage.verifier.ground.finding import (
    Finding,
    brief,
    broken,
    one_of,
    same,
    sections,
    spend,
    whole,
)
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.rooted import check_root
from storage.verifier.training.held_out_split import left_to_train_on, split_of_record

LARGEST_LINE = 65_536


def check_weights(record: Record) -> str:
    """w_r of every rater of every condition, its transform included, and what is summed from them."""
    whole(record)
    asked = sections(record.genesis.get("config", {}), "conditions", "name")
    planned = conditions_of_record(record)
    rows, unsure = 0, None
    for name, event in planned.items():
        section = one_of(asked, name, "the configuration's condition", event.seq)
        _check_as_configured(record, event, section)
        if trains(section.get("source")):
            pool = required_pool(record, event.seq)
            left = left_to_train_on(record, pool)
            spend(record, 10 * len(pool.everybody))
            wanted = _weights(record, event, section, left)
            if wanted is None:
                wanted = _some_by_pairs(event, section, left)
                unsure = unsure or event
            else:
                _check_lost(record, event, section, pool, left)
            _check_rows(event, left.everybody, wanted)
        else:
            _check_rows(event, [], [])
        check_root(event, event.values["weights"], f"condition {brief(name)}")
        rows += len(event.values["weights"])
    if record.ledger.ended("conditions") and planned.keys() != asked.keys():
        raise broken("the stage of the conditions has ended, but not every condition of the configuration is there")
    if unsure is not None:
        told = "which raters are representative of the US stands in the artifact of the pairs, which is not here"
        raise Finding("unknown", f"condition {brief(unsure.values['condition'])}: {told}", unsure.seq)
    if not planned:
        return "no condition is recorded"
    return f"{number_of(rows, 'weight')} of {number_of(len(planned), 'condition')} worked out again"


def conditions_of_record(record: Record) -> dict[str, Found]:
    """Every planned condition by its name."""
    found: dict[str, Found] = {}
    for event in record.counted("condition.planned"):
        name = event.values["condition"]
        if name in found:
            raise broken(f"condition {brief(name)} was planned twice", event.seq)
        found[name] = event
    return found


def _check_as_configured(record: Record, event: Found, section: dict[str, Any]) -> None:
    what = f"condition {brief(event.values['condition'])}"
    train = record.genesis["config"].get("train") or {}
    for name in ("transform", "estimator", "source"):
        same(event.values[name], section[name], f"{what}: its {name}", event.seq)
    same(event.values.get("family"), section.get("family"), f"{what}: its family", event.seq)
    trained = trains(section.get("source"))
    steps = (section.get("steps") or train["steps"]) if trained else 0
    same(event.values["steps"], steps, f"{what}: its steps", event.seq)
    same(event.values["batch"], train["batch"] if trained or train else 0, f"{what}: its pairs per step", event.seq)
    order = order_of(section["estimator"], train.get("order", "shuffles")) if trained else None
    same(event.values.get("order"), order, f"{what}: the order of its pairs", event.seq)
    inside = train["micro_batch"] if trained and section["estimator"] == "published" else None
    same(event.values.get("micro_batch"), inside, f"{what}: the pairs inside which it normalises weights", event.seq)
    if event.values["transform"] != "clipped":
        same(event.values.get("clip"), None, f"{what}: its quantiles of π", event.seq)


def _check_lost(record: Record, event: Found, section: dict[str, Any], pool: PoolRead, left: PoolRead) -> None:
    """How many raters of the source drop out, since all their pairs are held out; absent where none can be."""
    lost = None
    if split_of_record(record) is not None:
        before = _weights(record, event, section, pool) or []
        lost = sum(w > 0 and n == 0 for w, (_, n) in zip(before, left.everybody, strict=True))
    what = f"condition {brief(event.values['condition'])}: its raters all of whose pairs are held out"
    same(event.values.get("held_out_raters"), lost, what, event.seq)


def _weights(record: Record, event: Found, section: dict[str, Any], pool: PoolRead) -> list[float] | None:
    """w_r of every rater with pairs, 0 for those whom the condition leaves out; None where the record does not tell.

    People whom the pool leaves out are no members of a draw, and their π is 0.
    """
    kind, _, name = str(section.get("source")).partition(":")
    everyone = [1.0 if section.get("equal_voice") else float(pairs) for _, pairs in pool.everybody]
    if kind in ("all", "population"):
        return everyone
    if kind == "us_rep":
        flags = _us_representative(record, pool)
        return None if flags is None else [w if flag else 0.0 for w, flag in zip(everyone, flags, strict=True)]
    if kind == "draw":
        made = one_of(draws_of_record(record), name, "the draw", event.seq).accepted
        if made is None or made.seq > event.seq:
            raise broken(
                f"condition {brief(event.values['condition'])} rests on a draw that was not accepted", event.seq
            )
        members = set(made.values["members"])
        return [1.0 if rater_id in members else 0.0 for rater_id, _ in pool.everybody]
    chances = chances_by_rater(record, name, pool, event.seq)
    everybody = [chances.get(rater, Fraction(0)) for rater, _ in pool.everybody]
    if event.values["transform"] == "clipped":
        clip = [float(quantile) for quantile in clip_of(everybody)]
        told = f"condition {brief(event.values['condition'])}: its quantiles of π"
        same(event.values.get("clip"), clip, told, event.seq)
    return transformed(everybody, event.values["transform"])


def _some_by_pairs(event: Found, section: dict[str, Any], pool: PoolRead) -> list[float]:
    """The weights that follow where only the choice of raters cannot be checked."""
    chosen = {row["rater_id"] for row in event.values["weights"]}
    equal = section.get("equal_voice")
    return [(1.0 if equal else float(n)) if rater in chosen else 0.0 for rater, n in pool.everybody]


def _check_rows(event: Found, everybody: Sequence[tuple[str, int]], wanted: list[float]) -> None:
    values, seq = event.values, event.seq
    what = f"condition {brief(values['condition'])}"
    kept = [(rater, n, w) for (rater, n), w in zip(everybody, wanted, strict=True) if w > 0 and n > 0]
    same(len(values["weights"]), len(kept), f"{what}: the number of raters with a weight", seq)
    for row, (rater_id, pairs, weight) in zip(values["weights"], kept, strict=True):
        same(row["rater_id"], rater_id, f"{what}: a rater with a weight", seq)
        same(row["pairs"], pairs, f"{what}: the pairs of rater {brief(rater_id)}", seq)
        same(float(row["weight"]), weight, f"{what}: the weight of rater {brief(rater_id)}", seq)
    same(values["raters"], len(kept), f"{what}: raters", seq)
    same(values["pairs"], sum(n for _, n, _ in kept), f"{what}: pairs", seq)
    effective = effective_pairs([w for _, n, w in kept if n], [n for _, n, _ in kept if n])
    if not math.isclose(values["effective_pairs"], effective, rel_tol=1e-12):
        raise broken(f"{what}: effective_pairs is {values['effective_pairs']}; it is {effective}", seq)


def _us_representative(record: Record, pool: PoolRead) -> list[bool] | None:
    """The flags of the raters with pairs from the artifact of the pairs; None where it is not here."""
    built = record.counted("pairs.built")
    if not built or not built[0].values.get("rater_ids"):
        return None
    values = built[0].values
    path = record.root / "artifacts" / values["artifact"]["sha256"]
    if values["artifact"]["media_type"] != PAIRS_TYPE or not is_plain_file(path):
        return None
    flags = {}
    with path.open("rb") as stream:
        stream.readline(LARGEST_LINE)
        for rater_id in values["rater_ids"]:
            flags[rater_id] = json.loads(stream.readline(LARGEST_LINE))["us_rep"] is True
    return [flags[rater_id] for rater_id, _ in pool.everybody]
