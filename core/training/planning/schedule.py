"""Schedules as arrays; how they are drawn and written is `core.facts.training.schedule`."""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.facts.training.schedule import SCHEDULE_FORMAT, eligible_draws, schedule_file, weighted_draws


def uniform_schedule(
    eligible: NDArray[np.int64], size: int, order: str | None, stream: RandomStream
) -> NDArray[np.int32]:
    """`size` pair indices, every eligible pair as likely as any other, in that order. Shape (size,)."""
    return np.array(eligible_draws(eligible.tolist(), size, order, stream), dtype=np.int32)


def weighted_schedule(
    weight: NDArray[np.float64], rater: NDArray[np.int32], size: int, stream: RandomStream
) -> NDArray[np.int32]:
    """`size` pair indices drawn independently with probability ∝ ω = w_r / N_r. Shape (size,).

    Args:
        weight: w_r, shape (R,).
        rater: the rater of every pair, shape (P,).
    """
    order = np.argsort(rater, kind="stable")
    counts = np.bincount(rater, minlength=len(weight))
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    drawn = np.array(weighted_draws(weight.tolist(), counts.tolist(), size, stream), dtype=np.int64).reshape(-1, 2)
    return order[first[drawn[:, 0]] + drawn[:, 1]].astype(np.int32)


def encode_schedule(schedule: NDArray[np.int32], flipped: NDArray[np.bool_]) -> bytes:
    """The schedule as JSON."""
    steps, batch = schedule.shape
    return schedule_file(steps, batch, schedule.tolist(), np.argwhere(flipped).tolist())


def decode_schedule(body: bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The inverse of `encode_schedule`: (schedule, flipped), both of shape (steps, batch)."""
    values = json.loads(body)
    if values["format"] != SCHEDULE_FORMAT:
        told = f"a schedule of format {values['format']!r} cannot be read; this program reads {SCHEDULE_FORMAT!r}"
        raise InputError(told)
    schedule = np.array(values["pairs"], dtype=np.int32).reshape(values["steps"], values["batch"])
    flipped = np.zeros(schedule.shape, dtype=np.bool_)
    for step, position in values["flipped"]:
        flipped[step, position] = True
    return schedule, flipped
