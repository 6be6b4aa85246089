"""How many steps a condition is trained for so that its update is as large as that of others: a search by bisection.

The counts are the multiples of a grid below the condition's own number of steps, and that number. Each is a training of
its own, because the learning rate's schedule ends with it; relative(s) = ‖Δθ‖ / ‖θ_base‖ after s steps is compared with
the target. More steps are taken to move further. Where that does not hold, the search still ends after as many
trainings, with what it then knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

CANDIDATE_MARK = "@"
"""Stands in no name of a condition, so that none is called like a candidate."""


def candidate_name(condition: str, steps: int) -> str:
    """What a training with another number of steps is called in the record."""
    return f"{condition}{CANDIDATE_MARK}{steps}"


def target_of(relatives: Sequence[float]) -> float:
    """The relative update that is looked for: the mean of those of the named conditions."""
    return math.fsum(relatives) / len(relatives)


def is_matched(relative: float, target: float, tolerance: float) -> bool:
    """Whether an update is as large as the target, within a share of it."""
    return abs(relative - target) <= tolerance * target


def next_steps(grid: int, most: int, target: float, tolerance: float, found: Mapping[int, float]) -> int | None:
    """The number of steps to train with next; None where the search is over.

    Args:
        most: the condition's own number of steps.
        found: the relative update after each number of steps that was tried.
    """
    below, above = 0, -(-most // grid) + 1
    while above - below > 1:
        middle = (below + above) // 2
        steps = min(middle * grid, most)
        if steps not in found:
            return steps
        if is_matched(found[steps], target, tolerance):
            return None
        below, above = (middle, above) if found[steps] <= target else (below, middle)
    return None


def kept_steps(target: float, tolerance: float, found: Mapping[int, float]) -> int:
    """The number of steps whose model is kept: the closest within the tolerance; else the closest not above the target;
    else the closest. Of two that are equally close, the one with fewer steps."""
    matched = {s: r for s, r in found.items() if is_matched(r, target, tolerance)}
    among = matched or {s: r for s, r in found.items() if r <= target} or found
    return min(among, key=lambda steps: (abs(among[steps] - target), steps))


def is_rising(found: Mapping[int, float]) -> bool:
    """Whether every one of the trainings with more steps moved further."""
    relatives = [found[steps] for steps in sorted(found)]
    return all(relatives[i] < relatives[i + 1] for i in range(len(relatives) - 1))
