"""The micro-batch of the longest rows that any schedule holds, and how many tokens all of them come to with padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.sections.what_trains import TrainSection
from core.training.as_tokens.tokens import Key, Tokens
from core.training.prediction.step_time import Work
from core.types import Condition, PreferencePairs


def longest_rows(tokens: Tokens, most: int) -> list[Key]:
    """The sequences of the pairs whose longer sequence is longest, at most `most` pairs: chosen ones first, as in a
    micro-batch; where there are fewer pairs they are taken again."""
    prompt, *both = tokens.pairs[3:]
    longer = tokens.prompts.lengths[prompt] + np.maximum(*(tokens.responses.lengths[one] for one in both))
    found = np.argsort(-longer, kind="stable")[:most]
    pairs = [tuple((int(prompt[p]), int(one[p])) for one in both) for p in found]
    taken = [pairs[i % len(pairs)] for i in range(most)]
    return [first for first, _ in taken] + [second for _, second in taken]


def work_of(
    tokens: Tokens, pairs: PreferencePairs, trained: Sequence[Condition], train: TrainSection, multiple: int
) -> Work:
    """What is computed for the conditions: every micro-batch is as wide as its longest row.

    Args:
        multiple: what widths are rounded up to.
    """
    total, widest = 0, 1
    for condition in trained:
        lengths = _longer_of_each(tokens, pairs, condition)
        widths = lengths.reshape(-1, train.micro_batch).max(axis=1)
        widths = np.maximum(widths, np.minimum(tokens.window, -(-widths // multiple) * multiple))
        total += int(2 * train.micro_batch * widths.sum())
        widest = max(widest, int(widths.mean()))
    scored = sum(map(tokens.length, tokens.sequences()))
    return Work(trained=total, scored=scored, width=widest)


def _longer_of_each(tokens: Tokens, pairs: PreferencePairs, condition: Condition) -> NDArray[np.int64]:
    """Tokens of the longer sequence of every row of a schedule."""
    length: dict[int, int] = {}
    for p in np.unique(condition.schedule):
        both = tokens.keys(int(pairs.context[p]), int(pairs.chosen[p]), int(pairs.rejected[p]))
        length[int(p)] = max(map(tokens.length, both))
    return np.array([length[int(p)] for p in condition.schedule.ravel()], dtype=np.int64)
