"""The draw: one panel from a lottery, as a pure function of the recorded lottery and seed.

1. A number below 2^53 picks the composition p with probability λ_p.
2. For each type in its order, x_{p,t} of its n_t raters are taken uniformly, in a forward shuffle of
   the type's raters in source order.

So P(rater i is drawn) = Σ_p λ_p·x_{p,t(i)} / n_{t(i)} = π_i. The random numbers are SHA-256 in counter
mode with rejection sampling (`core.randomness`), so anyone can redo the draw with a hash function.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.randomness import RandomStream
from core.types import Lottery


def draw_panel(lottery: Lottery, type_of: Sequence[int], stream: RandomStream) -> tuple[int, tuple[int, ...]]:
    """(number of the composition drawn, pool indices of its members in source order).

    Args:
        type_of: the type of each rater of the pool, in source order.
        stream: a fresh stream; its key is the seed that is recorded.
    """
    members = _members(lottery, type_of)
    panel = stream.weighted(lottery.numerators)
    drawn: list[int] = []
    for t, count in enumerate(lottery.panels[panel]):
        if count:
            drawn += stream.sample(members[t], count)
    return panel, tuple(sorted(drawn))


def _members(lottery: Lottery, type_of: Sequence[int]) -> list[list[int]]:
    """Pool indices of every type's raters, in source order."""
    members: list[list[int]] = [[] for _ in lottery.type_sizes]
    for i, t in enumerate(type_of):
        members[t].append(i)
    if tuple(map(len, members)) != lottery.type_sizes:
        raise ValueError(f"lottery {lottery.name!r} was made for a pool with other types")
    return members
