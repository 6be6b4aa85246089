"""Training: optimizer steps without gaps, at the planned rates, from the reference on; and what is kept of models."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.facts.plural import number_of
from core.facts.training.learning_rate import rate_share
from core.facts.training.numbers import ROUNDED_AT_RANDOM, are_exact, numbers_possible, rounding_seed
from core.facts.training.rules import RATE_RULE, REFERENCE_RULE, start_tolerance, training_unit
from core.facts.training.weight_files import WEIGHTS_INDEX, lacking_adapter, lacking_weights, shards_of
from storage.verifier.contents.whole import file_digest, is_plain_file
from storage.verifier.ground.finding import (
    brief,
    broken,
    one_of,
    rule_of,
    same,
    sections,
    whole,
)
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.predicted import check_predicted
from storage.verifier.training.schedules import check_schedule
from storage.verifier.training.steps_match import searches_of, steps_by_name
from storage.verifier.training.templates_used import check_templates
from storage.verifier.training.weights import conditions_of_record

LARGEST_INDEX = 64 * 1024**2
AS_FLOAT32 = 2**-22
"""What float32, in which some optimizers keep their learning rate, leaves of it."""


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
