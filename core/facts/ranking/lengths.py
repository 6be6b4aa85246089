"""How long an answer is, and when a model that holds lengths fixed has an estimate."""

from __future__ import annotations

MOST_LENGTH_STEPS = 40
"""Newton steps, each scaled so that the likelihood rises. Where it has no maximum they go on by at least log 2 in the
log-odds for ever; where it has one, they settle in fewer."""

SETTLED_STEP = 1e-8
"""A step that changes no log-odds by as much is the last one: the next would be about its square."""

LEAST_APART = 1e-4
"""Of the variation of the difference in length, the share that the conditions alone have to leave over, at the start:
with less, the variance of the length's coefficient is ten thousand times what it would be beside no conditions."""


def words_in(text: str) -> int:
    """Words of a text, which white space parts, as the published scripts count them."""
    return len(text.split())
