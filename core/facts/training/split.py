"""Which preference pairs no condition trains on, drawn from the run's seed, and the files that hold them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence

from core.facts.randomness import RandomStream

HELD_OUT_UNIT = "held-out:split"
"""The unit of the split in the stage `conditions`, and the path of its stream; no condition can be called so."""

HELD_OUT_TYPE = "application/vnd.dempo.held-out+json"
HELD_OUT_FORMAT = "dempo-held-out-1"
MARGINS_TYPE = "application/vnd.dempo.margins+json"
MARGINS_FORMAT = "dempo-margins-1"

SPLIT_RULE = 1
"""Of `heldout.split`: whole groups are held out, a share of their number."""


def numbered_groups(keys: Iterable[Hashable]) -> list[int]:
    """The group of every pair: equal keys are one group, numbered as they first appear."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(key, len(known)) for key in keys]


def held_out_split(
    groups: Sequence[int], share: float, most: int | None, stream: RandomStream
) -> tuple[list[int], list[int]]:
    """Pairs that are held out, and those of them that are measured, both in ascending order.

    Of G groups round(share · G) are held out, at least one, each as likely as any other; all pairs of such a group are.

    Args:
        groups: the group of every pair, as `numbered_groups` numbers them.
        most: how many pairs are measured at most; None: all that are held out.
        stream: its children "groups" and "measured" draw.

    Raises:
        ValueError: no group would be left to train on.
    """
    number = max(groups, default=-1) + 1
    out = max(1, int(share * number + 0.5))
    if out >= number:
        raise ValueError(f"{out} of {number} would be held out, and none would be left to train on")
    held = set(stream.child("groups").sample(range(number), out))
    pairs = [p for p, group in enumerate(groups) if group in held]
    if most is None or most >= len(pairs):
        return pairs, pairs
    return pairs, sorted(stream.child("measured").sample(pairs, most))


def held_out_file(pairs: Sequence[int], measured: Sequence[int]) -> bytes:
    """The split as JSON: `{"format", "pairs", "measured"}`, two lists of numbers of pairs in ascending order."""
    body = {"format": HELD_OUT_FORMAT, "pairs": list(pairs), "measured": list(measured)}
    return json.dumps(body, separators=(",", ":")).encode()


def is_measured_after(step: int, steps: int, every: int) -> bool:
    """Whether held-out pairs are measured after a step of so many: after every n-th (0: none) and after the last."""
    return step == steps or (every > 0 and step % every == 0)
