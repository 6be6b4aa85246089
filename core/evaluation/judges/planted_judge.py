"""Planted judges: citizens drawn from a planted world's target population."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.data.planted.world import gumbels, load_world
from core.data.planted.world_texts import styles_of
from core.facts.randomness import RandomStream
from core.types import Question


def planted_rankings(
    world_path: Path, question: Question, shown: Sequence[tuple[str, str]], stream: RandomStream
) -> tuple[str, ...]:
    """One citizen's ranking of (condition, answer), best first.

    The citizen is drawn from the target population and orders the answers by θ·x + Gumbel noise, the
    law by which the world's raters choose. It sees the style of the answers alone, neither the question
    nor the clause. Conditions with the same answer get the same utility, and their order is random.

    Raises:
        InputError: the world cannot be read.
    """
    world = load_world(world_path)
    _, taste = world.person("target", stream)
    texts = sorted({answer for _, answer in shown})
    utilities = styles_of(texts) @ taste + gumbels(stream, len(texts))
    utility = dict(zip(texts, utilities, strict=True))
    order = list(shown)
    stream.shuffle(order)  # the sort is stable: ties stay in this random order
    order.sort(key=lambda item: -float(utility[item[1]]))
    return tuple(condition for condition, _ in order)
