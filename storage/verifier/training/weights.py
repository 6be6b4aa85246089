"""Conditions: the weight of every rater from π, the draw or the pairs; and training steps without gaps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from core.facts.formats import PAIRS_TYPE
from core.facts.plural import number_of
from core.facts.sources import trains
from core.facts.training.learning_rate import rate_share
from core.facts.training.numbers import ROUNDED_AT_RANDOM, are_exact, numbers_possible, rounding_seed
from core.facts.training.rules import RATE_RULE, REFERENCE_RULE, start_tolerance, training_unit
from core.facts.training.schedule import order_of
from core.facts.training.transforms import clip_of, transformed
from core.facts.training.weight_files import WEIGHTS_INDEX, lacking_adapter, lacking_weights, shards_of
from core.facts.training.weights import effective_pairs
from storage.verifier.contents.draws import draws_of_record
from storage.verifier.contents.lotteries import chances_by_rater
from storage.verifier.contents.pool import PoolRead, required_pool
from storage.verifier.contents.whole import file_digest, is_plain_file
from storage.verifier.ground.finding import (
    Finding,
    brief,
    broken,
    one_of,
    rule_of,
    same,
    sections,
    spend,
    whole,
)
from storage.verifier.ground.record import Found, Record
from storage.verifier.ground.rooted import check_root
from storage.verifier.training.held_out_split import left_to_train_on, split_of_record
from storage.verifier.training.predicted import check_predicted
from storage.verifier.training.schedules import check_schedule
from storage.verifier.training.steps_match import searches_of, steps_by_name
from storage.verifier.training.templates_used import check_templates

LARGEST_LINE = 65_536
LARGEST_INDEX = 64 * 1024**2
AS_FLOAT32 = 2**-22
"""What float32, in which some optimizers keep their learning rate, leaves of it."""


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


# ------------------------------------------------------------ training


def check_training(record: Record) -> str:
    """Optimizer steps from 1 without gaps, as many as planned, at the planned rates; the schedules drawn again."""
    whole(record)
    planned = conditions_of_record(record)
    plans = steps_by_name(record, planned)
    steps: dict[str, list[Found]] = {name: [] for name in plans}
    for event in record.counted("train.step"):
        if planned:
            one_of(plans, event.values["condition"], "the condition", event.seq)
        steps.setdefault(event.values["condition"], []).append(event)
    for event in record.counted("reference.computed"):
        _check_reference(record, event)
    for name, found in steps.items():
        if name in plans:
            _check_steps(name, found, *plans[name], record.ledger.ended("train"))
            _check_rates(record, name, found, plans[name][0])
            _check_start(record, name, found)
    for event in record.counted("train.checkpoint"):
        _check_checkpoint(record, event, plans)
    for event in record.counted("model.ready"):
        model = (record.genesis["config"].get("train") or {}).get("model")
        same(event.values["model"], model, "the model that every condition starts from", event.seq)
        _check_weight_files(record, event, "checkpoints/base", "the base model")
    for event in record.counted("model.linked"):
        _check_linked(record, event)
    check_templates(record)
    check_predicted(record, planned)
    schedules = sum(check_schedule(record, event, steps[name]) for name, event in planned.items())
    total = sum(map(len, steps.values()))
    done = f"{number_of(total, 'step')} of {number_of(len(steps), 'condition')} without a gap"
    return f"{done}, {number_of(schedules, 'schedule')} drawn again"


def _check_steps(name: str, found: list[Found], wanted: int, planned: Found, ended: bool) -> None:
    what = f"condition {brief(name)}"
    for number, event in enumerate(found, start=1):
        same(event.values["step"], number, f"{what}: the number of a step", event.seq)
    if len(found) > wanted or (ended and len(found) < wanted):
        seq = found[-1].seq if found else planned.seq
        raise broken(f"{what} has {len(found)} optimizer steps instead of {wanted}", seq)


def _check_rates(record: Record, name: str, found: list[Found], steps: int) -> None:
    """The learning rate of each step is the configuration's, times what warm-up and schedule make of it."""
    train = record.genesis["config"].get("train") or {}
    if not found:
        return
    rate, schedule = float(train["learning_rate"]), train["schedule"]
    warmup = float(train["warmup"])
    what = f"condition {brief(name)}: the learning rate of step"
    for done, event in enumerate(found):
        rule_of(event, RATE_RULE, f"{what} {done + 1}")
        wanted = rate * rate_share(done, steps, warmup, schedule)
        if not math.isclose(event.values["learning_rate"], wanted, rel_tol=AS_FLOAT32, abs_tol=1e-9 * rate):
            raise broken(f"{what} {done + 1} is {event.values['learning_rate']}; it is {wanted}", event.seq)


def _check_start(record: Record, name: str, steps: list[Found]) -> None:
    """Before its first update a policy is its own reference."""
    starts = [event for event in record.counted("train.start") if event.values["condition"] == name]
    what = f"condition {brief(name)}"
    if not starts and not steps:
        return
    if len(starts) != 1:
        raise broken(
            f"{what} has {len(starts)} comparisons of its start with the reference instead of one", steps[0].seq
        )
    values, seq = starts[0].values, starts[0].seq
    measured = values.get("layouts")
    exact = are_exact(_numbers_of_record(record))
    same(measured is None, exact, f"{what}: whether no difference of layouts was measured", seq)
    rounded = record.genesis["config"]["train"].get("optimizer") in ROUNDED_AT_RANDOM
    seed = str(rounding_seed(record.genesis["seed"], name)) if rounded else None
    same(values.get("rounding_seed"), seed, f"{what}: the seed of its rounding", seq)
    same(float(values["tolerance"]), start_tolerance(measured), f"{what}: the margin that its start may have", seq)
    largest = float(values["largest_margin"])
    if not largest <= values["tolerance"]:
        raise broken(f"{what} does not start at its reference: a margin is {largest} before any update", seq)
    if steps and not abs(float(steps[0].values["margin"])) <= largest * (1 + 1e-6) + 1e-12:
        raise broken(f"{what}: the margin of its first step is larger than that of any pair in it", steps[0].seq)


def _numbers_of_record(record: Record) -> str:
    """The numbers of reference and conditions; in records that don't say, those that the configuration asks for."""
    recorded = next((event.values.get("precision") for event in record.counted("reference.computed")), None)
    return str(recorded or record.genesis["config"]["train"].get("precision"))


def _check_reference(record: Record, event: Found) -> None:
    """What was cut is part of what was scored, in numbers that the configuration can mean."""
    values, train = event.values, record.genesis["config"].get("train") or {}
    numbers, asked = values.get("precision"), train.get("precision")
    possible = [] if numbers is None and asked else numbers_possible(asked, train.get("optimizer", ""))
    if possible and numbers not in possible:
        told = f"{brief(numbers)}; the configuration can mean {' or '.join(possible)}"
        raise broken(f"the numbers that the reference was scored in are {told}", event.seq)
    rule_of(event, REFERENCE_RULE, "the reference")
    for name in ("cut_contexts", "cut_responses"):
        if not 0 <= values[name] <= values["sequences"]:
            raise broken(f"of {values['sequences']} sequences of the reference {values[name]} are {name}", event.seq)


def _check_checkpoint(record: Record, event: Found, plans: Mapping[str, tuple[int, Found]]) -> None:
    """A checkpoint is the model of its condition, after all of its steps; how many a search chose, its check says."""
    values, name = event.values, event.values["condition"]
    what = f"condition {brief(name)}: its checkpoint after step {values['step']}"
    steps, _ = one_of(plans, name, "the condition", event.seq)
    if name not in searches_of(record):
        same(values["step"], steps, f"{what}: the steps that its model was trained for", event.seq)
    same(values["folder"], f"checkpoints/{name}", f"{what}: its folder", event.seq)
    same(event.unit, training_unit(name), f"{what}: its unit", event.seq)
    _check_trained_weights(record, event, f"the model of condition {brief(name)}")


def _check_trained_weights(record: Record, event: Found, what: str) -> None:
    """An adapter where the configuration asks for one, whole weights otherwise; the record says which was trained."""
    lora, numbers = (record.genesis["config"].get("train") or {}).get("lora"), event.values.get("adapter")
    same(numbers is not None, lora is not None, f"{what}: whether an adapter was trained", event.seq)
    if numbers is not None and numbers < 1:
        raise broken(f"{what}: its adapter has {numbers} numbers", event.seq)
    if lora is None or lora.get("merged"):
        _check_weight_files(record, event, event.values["folder"], what)
        return
    lacking = lacking_adapter(event.values["files"])
    if lacking is not None:
        raise broken(f"{what} has no complete adapter: {lacking} is not among its files", event.seq)


def _check_linked(record: Record, event: Found) -> None:
    """A model that answers as it is, is the one that its condition names."""
    listed, name = sections(record.genesis["config"], "conditions", "name"), event.values["condition"]
    section = one_of(listed, name, "the configuration's condition", event.seq)
    what = f"the model of condition {brief(name)}"
    same(f"model:{event.values['model']}", section.get("source"), what, event.seq)
    _check_weight_files(record, event, f"checkpoints/{name}", what)


def _check_weight_files(record: Record, event: Found, folder: str, what: str) -> None:
    """A model holds all of its weights: by the names of its files, and by its index where that is here."""
    files = event.values["files"]
    listed: set[str] = set()
    index = record.root / folder / WEIGHTS_INDEX
    if WEIGHTS_INDEX in files and is_plain_file(index):
        if file_digest(index) != files[WEIGHTS_INDEX]:
            raise broken(f"{folder}/{WEIGHTS_INDEX} was changed", event.seq)
        with index.open("rb") as stream:
            listed = shards_of(stream.read(LARGEST_INDEX))
    lacking = lacking_weights(files, listed)
    if lacking is not None:
        raise broken(f"{what} has no complete weights: {brief(lacking)} is not among its files", event.seq)


# ------------------------------------------------------------ recovery


def check_recovery(record: Record) -> str:
    """What was measured in a planted world: the same pairs for all, within what is possible, ln 2 where untrained."""
    whole(record)
    found = record.counted("recovery.measured")
    if not found:
        return "no recovery is recorded"
    listed = sections(record.genesis["config"], "conditions", "name")
    first = found[0].values
    for event in found:
        values, what = event.values, f"the recovery of {brief(event.values['condition'])}"
        for name in ("pairs", "floor", "agreement_ceiling", "world"):
            same(values.get(name), first.get(name), f"{what}: {name}", event.seq)
        section = one_of(listed, values["condition"], "the configuration's condition", event.seq)
        loss, agrees = float(values["population_log_loss"]), float(values["margin_agreement"])
        if section.get("source") == "none" and not (
            math.isclose(loss, math.log(2), rel_tol=1e-9) and math.isclose(agrees, 0.5, rel_tol=1e-9)
        ):
            raise broken(f"{what} is that of a trained model, and it was not trained", event.seq)
        if loss < float(values["floor"]) - 1e-9 or agrees > float(values["agreement_ceiling"]) + 1e-9:
            raise broken(f"{what} is better than a model can be that knows the truth", event.seq)
    return f"{len(found)} recoveries within what is possible; the numbers themselves take the models to measure"
