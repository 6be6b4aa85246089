"""The draw: one panel from a lottery, as a pure function of the recorded lottery and a recorded key.

From an exact lottery:

1. A number below the lottery's denominator picks the composition p with probability λ_p.
2. For each type in its order, x_{p,t} of its n_t raters are taken uniformly, in a forward shuffle of
   the type's raters in source order.

So P(rater i is drawn) = Σ_p λ_p·x_{p,t(i)} / n_{t(i)} = π_i. From a uniform lottery step 1 is the
whole draw: each of its m panels names its members.

Alternates stand in for members of their own type, so that every quota stays met. Their order comes from
a stream of its own, the child "alternates" of the draw's key. The random numbers are SHA-256 in counter
mode with rejection sampling (`core.facts.randomness`), so anyone can redo the draw with a hash function.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.facts.randomness import RandomStream
from core.types import Lottery


def draw_panel(lottery: Lottery, type_of: Sequence[int], stream: RandomStream) -> tuple[int, tuple[int, ...]]:
    """(number of the panel drawn, pool indices of its members in source order).

    Args:
        type_of: the type of each rater of the pool, in source order.
        stream: a fresh stream; its key is the seed that is recorded.
    """
    by_type = _by_type(lottery, type_of)
    panel = stream.weighted(lottery.numerators)
    if lottery.members:
        return panel, lottery.members[panel]
    drawn: list[int] = []
    for t, count in enumerate(lottery.panels[panel]):
        if count:
            drawn += stream.sample(by_type[t], count)
    return panel, tuple(sorted(drawn))


def draw_alternates(type_of: Sequence[int], members: Sequence[int], key: bytes) -> dict[int, tuple[int, ...]]:
    """For each type on the panel: its raters who are not on it, in the order in which they stand in.

    Args:
        type_of: the type of each rater of the pool, in source order.
        members: pool indices of the panel.
        key: the key of the draw (32 bytes).
    """
    stream = RandomStream.from_key(key).child("alternates")
    on_panel = set(members)
    found: dict[int, tuple[int, ...]] = {}
    for t in sorted({type_of[i] for i in members}):
        others = [i for i, other in enumerate(type_of) if other == t and i not in on_panel]
        found[t] = tuple(stream.sample(others, len(others)))
    return found


def _by_type(lottery: Lottery, type_of: Sequence[int]) -> list[list[int]]:
    """Pool indices of every type's raters, in source order."""
    by_type: list[list[int]] = [[] for _ in lottery.type_sizes]
    for i, t in enumerate(type_of):
        by_type[t].append(i)
    if tuple(map(len, by_type)) != lottery.type_sizes:
        raise ValueError(f"lottery {lottery.name!r} was made for a pool with other types")
    return by_type
