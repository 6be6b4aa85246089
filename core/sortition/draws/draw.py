"""The draw from a lottery of this run, by the rules of `core.facts.sortition.draw`."""

from __future__ import annotations

from collections.abc import Sequence

from core.facts.randomness import RandomStream
from core.facts.sortition.draw import draw_alternates, draw_members
from core.types import Lottery


def draw_panel(lottery: Lottery, type_of: Sequence[int], stream: RandomStream) -> tuple[int, tuple[int, ...]]:
    """(number of the panel drawn, pool indices of its members in order).

    Args:
        type_of: the type of each rater of the pool.
        stream: a fresh stream; its key is the seed that is recorded.
    """
    by_type = raters_by_type(type_of, len(lottery.type_sizes))
    if tuple(map(len, by_type)) != lottery.type_sizes:
        raise ValueError(f"lottery {lottery.name!r} was made for a pool with other types")
    panel = stream.weighted(lottery.numerators)
    if lottery.members:
        return panel, lottery.members[panel]
    return panel, tuple(draw_members(dict(enumerate(lottery.panels[panel])), by_type, stream))


def alternates_of(type_of: Sequence[int], members: Sequence[int], key: bytes) -> dict[int, tuple[int, ...]]:
    """For each type on the panel: its raters who are not on it, in the order in which they stand in."""
    by_type = raters_by_type(type_of, max(type_of, default=-1) + 1)
    return draw_alternates((type_of[i] for i in members), by_type, members, key)


def raters_by_type(type_of: Sequence[int], types: int) -> list[list[int]]:
    """Pool indices of every type's raters, in order."""
    by_type: list[list[int]] = [[] for _ in range(types)]
    for i, t in enumerate(type_of):
        by_type[t].append(i)
    return by_type
