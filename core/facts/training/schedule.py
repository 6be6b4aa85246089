"""Which pairs each optimizer step sees, drawn in advance from the run's seed, and the file that holds it.

A recorded schedule makes the order of pairs independent of the number of processes, and lets a resumed
condition go on with exactly the rows that an uninterrupted one would have seen.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from core.facts.randomness import RandomStream

SCHEDULE_FORMAT = "dempo-schedule-1"
SCHEDULE_TYPE = "application/vnd.dempo.schedule+json"
SHARES = 2**53


def shuffles(eligible: Sequence[int], size: int, stream: RandomStream) -> list[int]:
    """`size` pairs: shuffles of all eligible ones, one after the other.

    Within a shuffle no pair comes twice; a condition with fewer pairs than `size` begins a new shuffle, so
    that all conditions get the same number of updates. A step may span the end of a shuffle.
    """
    found: list[int] = []
    while len(found) < size:
        found += stream.sample(eligible, min(len(eligible), size - len(found)))
    return found


def eligible_draws(eligible: Sequence[int], size: int, order: str | None, stream: RandomStream) -> list[int]:
    """`size` of the eligible pairs: in shuffles, or ("with_replacement") each drawn independently and uniformly.

    Args:
        stream: its child "shuffle" or "replacement" draws.
    """
    if order == "with_replacement":
        return [eligible[i] for i in stream.child("replacement").many_below(len(eligible), size)]
    return shuffles(eligible, size, stream.child("shuffle"))


def weighted_draws(
    weights: Sequence[float], counts: Sequence[int], size: int, stream: RandomStream
) -> list[tuple[int, int]]:
    """`size` pairs drawn independently with probability ∝ ω = w_r / N_r, as (rater, number among the rater's pairs).

    A rater is drawn ∝ w_r, then one of the rater's N_r pairs uniformly. Weights become integers
    round(w_r / Σw · 2^53), at least 1 where w_r > 0: relative error of a weight w_r at most 2^-54 · Σw / w_r.

    Args:
        weights, counts: w_r and N_r of every rater.
        stream: its children "rater" and "pair" draw.
    """
    total = math.fsum(weights)
    upper = list(accumulate(max(1, round(w / total * SHARES)) if w > 0 else 0 for w in weights))
    within = stream.child("pair")
    drawn = (bisect_right(upper, point) for point in stream.child("rater").many_below(upper[-1], size))
    return [(r, within.below(counts[r])) for r in drawn]


def order_of(estimator: str, order: str) -> str | None:
    """The order as a condition records it: "with_replacement", or None for shuffles and where weights draw."""
    return order if estimator != "weighted_sampling" and order != "shuffles" else None


def schedule_file(steps: int, batch: int, pairs: Sequence[Sequence[int]], flipped: Sequence[Sequence[int]]) -> bytes:
    """The schedule as JSON.

    `{"format", "steps", "batch", "pairs", "flipped"}`: `pairs` holds one list of pair indices per step;
    `flipped` holds [step, position] (from 0) where chosen and rejected change places.
    """
    named = {"format": SCHEDULE_FORMAT, "steps": steps, "batch": batch}
    return json.dumps({**named, "pairs": pairs, "flipped": flipped}, separators=(",", ":")).encode()
