"""Schedules: which pairs each optimizer step sees, drawn again from the run's seed and compared by their hash."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from core.facts.randomness import RandomStream
from core.facts.training.schedule import SCHEDULE_TYPE, eligible_draws, schedule_file, weighted_draws
from core.facts.training.shares import weights_in_loss
from core.facts.training.weights import effective_number
from storage.verifier.contents.pool import PoolRead, in_order_of_pairs, required_pool
from storage.verifier.contents.whole import is_plain_file
from storage.verifier.ground.finding import STEPS_OF_A_NUMBER, brief, broken, same, spend
from storage.verifier.ground.record import Found, Record
from storage.verifier.training.held_out_split import held_out_pairs
from storage.verifier.training.realised import check_realised

LARGEST_SCHEDULE = 64 * 1024**2


def check_schedule(record: Record, event: Found, steps: Sequence[Found]) -> bool:
    """Whether a condition has a schedule; its file is the one that the seed and the weights give, and what its
    optimizer steps say of their pairs is what the schedule and the weights give.

    The file's bytes follow from the schedule, so their SHA-256 tells, also where the file is not here. Only where
    citizens of a planted world decide anew which answer is the better one, the file itself has to be read.
    """
    what, values = f"condition {brief(event.values['condition'])}", event.values
    artifact = values.get("artifact")
    if (artifact is None) != (values["steps"] == 0):
        raise broken(f"{what} has steps without a schedule, or a schedule without steps", event.seq)
    if artifact is None:
        return False
    same(artifact["media_type"], SCHEDULE_TYPE, f"{what}: the type of its schedule", event.seq)
    size = values["steps"] * values["batch"]
    if not 0 < size <= LARGEST_SCHEDULE // 2:
        raise broken(f"{what}: a schedule of {brief(size)} pairs is larger than this program writes", event.seq)
    spend(record, STEPS_OF_A_NUMBER * size)
    pool = required_pool(record, event.seq)
    pairs = _drawn_schedule(record, event, size, pool)
    _check_pairs_of_steps(record, event, steps, pairs, pool)
    check_realised(record, event, pool, pairs)
    rows = [pairs[i : i + values["batch"]] for i in range(0, size, values["batch"])]
    flipped: list[list[int]] = []
    if values["source"] == "population":
        found = _flipped(record, event, what)
        if found is None:
            return True  # whether the file may be missing is for the check of the artifacts to say
        flipped = found
    body = schedule_file(values["steps"], values["batch"], rows, flipped)
    told = f"{what}: the SHA-256 of its schedule"
    same(artifact["sha256"], hashlib.sha256(body).hexdigest(), told, event.seq)
    same(artifact["bytes"], len(body), f"{what}: the size of its schedule", event.seq)
    return True


def _drawn_schedule(record: Record, event: Found, size: int, pool: PoolRead) -> list[int]:
    """`size` numbers of pairs, as the estimator of the condition draws them."""
    stream = RandomStream(record.genesis["seed"], "conditions", event.values["condition"])
    weight = {row["rater_id"]: float(row["weight"]) for row in event.values["weights"]}
    everybody = in_order_of_pairs(record, pool)
    weights = [weight.get(rater_id, 0.0) for rater_id, _ in everybody]
    own = _pairs_left(record, [pairs for _, pairs in everybody])
    if event.values["estimator"] == "weighted_sampling":
        drawn = weighted_draws(weights, list(map(len, own)), size, stream.child("sampling"))
        return [own[r][k] for r, k in drawn]
    eligible = [p for w, pairs in zip(weights, own, strict=True) if w > 0 for p in pairs]
    if not eligible:
        raise broken(f"condition {brief(event.values['condition'])} trains on no pair", event.seq)
    return eligible_draws(eligible, size, event.values.get("order"), stream)


def _check_pairs_of_steps(
    record: Record, event: Found, steps: Sequence[Found], pairs: Sequence[int], pool: PoolRead
) -> None:
    """How many pairs of equal weight those of each step are worth; that its tokens can be those of so many pairs.

    Whoever counts the tokens themselves needs the tokenizer.
    """
    counted = [step for step in steps if step.values.get("effective_pairs") is not None]
    if not counted:
        return
    what, batch = f"condition {brief(event.values['condition'])}", event.values["batch"]
    if len(counted) < len(steps):
        raise broken(f"{what}: some of its steps say how many pairs they are worth, and some do not", counted[0].seq)
    spend(record, STEPS_OF_A_NUMBER * len(steps) * batch)
    worth = _weights_of_pairs(record, event, pool)
    longest = 2 * batch * record.genesis["config"]["train"]["max_length"]
    for step in counted:
        number = step.values["step"]
        own = [worth[pair] for pair in pairs[(number - 1) * batch : number * batch]]
        wanted = effective_number(weights_in_loss(own, event.values["estimator"], event.values.get("micro_batch") or 1))
        found, tokens = step.values["effective_pairs"], step.values.get("tokens")
        if not math.isclose(found, wanted, rel_tol=1e-12):
            raise broken(f"{what}: effective_pairs of step {number} is {found}; it is {wanted}", step.seq)
        if tokens is None or not 2 * batch <= tokens <= longest:
            raise broken(f"{what}: step {number} has {tokens} tokens of {batch} pairs", step.seq)


def _weights_of_pairs(record: Record, event: Found, pool: PoolRead) -> list[float]:
    """ω of every pair by its number: w_r / N_r, or one where the schedule was drawn by the weights."""
    if event.values["estimator"] == "weighted_sampling":
        return [1.0] * sum(pairs for _, pairs in pool.everybody)
    weight = {row["rater_id"]: float(row["weight"]) for row in event.values["weights"]}
    left = {row["rater_id"]: row["pairs"] for row in event.values["weights"]}
    people = in_order_of_pairs(record, pool)
    each = [(weight.get(rater_id, 0.0) / left.get(rater_id, 1), pairs) for rater_id, pairs in people]
    return [omega for omega, pairs in each for _ in range(pairs)]


def _pairs_left(record: Record, counts: list[int]) -> list[list[int]]:
    """The pairs of each rater that no split holds out, given how many each one has."""
    held = frozenset(held_out_pairs(record)[0])
    ends = list(accumulate(counts))
    return [[p for p in range(end - n, end) if p not in held] for n, end in zip(counts, ends, strict=True)]


def _flipped(record: Record, event: Found, what: str) -> list[Any] | None:
    """[step, position] where a citizen prefers the other answer, from the file; None where it is not here."""
    path = record.root / "artifacts" / event.values["artifact"]["sha256"]
    if not is_plain_file(path):
        return None
    with path.open("rb") as stream:
        flipped: list[Any] = json.loads(stream.read(LARGEST_SCHEDULE))["flipped"]
    steps, batch = event.values["steps"], event.values["batch"]
    if any(not 0 <= step < steps or not 0 <= place < batch for step, place in flipped):
        raise broken(f"{what}: its schedule turns a pair that there is not", event.seq)
    return flipped
