"""Which pairs each optimizer step sees: drawn in advance, steps × batch pair indices.

A recorded schedule makes the order of pairs independent of the number of processes, and lets a resumed
condition go on with exactly the rows that an uninterrupted one would have seen.
"""

from __future__ import annotations

import json
import math

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.facts.randomness import RandomStream
from core.random_arrays import integers

FORMAT = "dempo-schedule-1"
MEDIA_TYPE = "application/vnd.dempo.schedule+json"
_SCALE = 2**53


def uniform_schedule(eligible: NDArray[np.int64], size: int, stream: RandomStream) -> NDArray[np.int32]:
    """`size` pair indices: shuffles of all eligible pairs, one after the other. Shape (size,).

    Within a shuffle no pair comes twice; a condition with fewer pairs than `size` begins a new shuffle, so
    that all conditions get the same number of updates. A step may span the end of a shuffle.
    """
    items = eligible.tolist()
    found: list[int] = []
    while len(found) < size:
        found.extend(stream.sample(items, min(len(items), size - len(found))))
    return np.array(found, dtype=np.int32)


def weighted_schedule(
    weight: NDArray[np.float64], rater: NDArray[np.int32], size: int, stream: RandomStream
) -> NDArray[np.int32]:
    """`size` pair indices drawn independently with probability ∝ ω = w_r / N_r. Shape (size,).

    A rater is drawn ∝ w_r, then one of the rater's N_r pairs uniformly. Weights become integers
    round(w_r / Σw · 2^53), at least 1 where w_r > 0: relative error of a weight w_r at most 2^-54 · Σw / w_r.

    Args:
        weight: w_r, shape (R,).
        rater: the rater of every pair, shape (P,).
    """
    order = np.argsort(rater, kind="stable")
    counts = np.bincount(rater, minlength=len(weight))
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    total = math.fsum(weight)
    shares = [max(1, round(w / total * _SCALE)) if w > 0 else 0 for w in weight.tolist()]
    upper = np.cumsum(np.array(shares, dtype=np.int64))
    points = integers(stream.child("rater"), int(upper[-1]), size)
    drawn = np.searchsorted(upper, points, side="right")
    within = stream.child("pair")
    return np.array([order[first[r] + within.below(int(counts[r]))] for r in drawn], dtype=np.int32)


def encode_schedule(schedule: NDArray[np.int32], flipped: NDArray[np.bool_]) -> bytes:
    """The schedule as JSON.

    `{"format", "steps", "batch", "pairs", "flipped"}`: `pairs` holds one list of pair indices per step;
    `flipped` holds [step, position] (from 0) where chosen and rejected change places.
    """
    steps, batch = schedule.shape
    body = {
        "format": FORMAT,
        "steps": steps,
        "batch": batch,
        "pairs": schedule.tolist(),
        "flipped": np.argwhere(flipped).tolist(),
    }
    return json.dumps(body, separators=(",", ":")).encode()


def decode_schedule(body: bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The inverse of `encode_schedule`: (schedule, flipped), both of shape (steps, batch)."""
    values = json.loads(body)
    if values["format"] != FORMAT:
        raise InputError(f"a schedule of format {values['format']!r} cannot be read; this program reads {FORMAT!r}")
    schedule = np.array(values["pairs"], dtype=np.int32).reshape(values["steps"], values["batch"])
    flipped = np.zeros(schedule.shape, dtype=np.bool_)
    for step, position in values["flipped"]:
        flipped[step, position] = True
    return schedule, flipped
