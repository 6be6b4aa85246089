"""How well margins on held-out pairs predict what raters preferred: over pairs, raters and groups of raters.

    m_b = β · (Δ_b of the policy − Δ_b of the reference),   Δ_b = log π(chosen) − log π(rejected)
    accuracy = 1 where m > 0, ½ where m = 0, else 0;   log-loss = −log σ(m) in nats

micro is the mean over pairs, macro the mean over raters of each rater's own mean, and that of a category the mean over
its raters. Raters count alike, whatever their weight in training. The minimum is the category with the lowest accuracy
among those with `FEWEST_RATERS`. Intervals are percentiles over resamples of raters, drawn with replacement, of a
category among its own raters. The smallest of several groups is partly so by chance, which its interval leaves out.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core.facts.randomness import RandomStream

RESAMPLES = 1_000
CONFIDENCE = 0.95
FEWEST_RATERS = 5
"""Raters that a category needs to be the minimum, and a number that is not withheld with those about people."""

RESAMPLING = ("held-out", "raters")
"""Path of the stream that draws the resamples, in the stage `train`."""

METRICS = ("accuracy", "margin", "log_loss")

Numbers = tuple[float, ...]
"""A number for each of `METRICS`."""

Group = tuple[str, str]
"""An attribute and one of its categories."""


class HeldOutValue(NamedTuple):
    """One metric over some pairs: scope is micro, macro, category or minimum; the last two name their category.

    pairs is how many they are, None where that stands elsewhere.
    """

    scope: str
    metric: str
    value: float
    raters: int
    pairs: int | None = None
    attribute: str | None = None
    category: str | None = None
    low: float | None = None
    high: float | None = None


class RaterResamples:
    """Resamples of n raters, drawn once for each n: with so many raters every condition and category draws alike."""

    def __init__(self, stream: RandomStream) -> None:
        self._stream = stream
        self._drawn: dict[int, list[array[int]]] = {}

    def of(self, raters: int) -> list[array[int]]:
        """`RESAMPLES` times n numbers below n."""
        if raters not in self._drawn:
            stream = self._stream.child(str(raters))
            self._drawn[raters] = [array("I", stream.many_below(raters, raters)) for _ in range(RESAMPLES)]
        return self._drawn[raters]


class _Rater(NamedTuple):
    """How many pairs of a rater were measured, and the sum of each metric over them."""

    pairs: int
    sums: Numbers

    @property
    def means(self) -> Numbers:
        return tuple(value / self.pairs for value in self.sums)


def held_out_values(
    margins: Sequence[float],
    rater_of: Sequence[int],
    groups: Mapping[Group, Sequence[int]],
    resamples: RaterResamples | None,
) -> tuple[list[HeldOutValue], list[HeldOutValue]]:
    """The values that may be told of everybody, and those that are about people: of categories, the minimum last.

    Over fewer than `FEWEST_RATERS` the first are about people, too. A category without pairs has none.

    Args:
        margins: m of every measured pair, finite.
        rater_of: the rater of every measured pair.
        groups: raters of each category, in the order in which they are told.
        resamples: where intervals are asked for.
    """
    raters = _by_rater(margins, rater_of)
    everybody = list(raters.values())
    overall = _micro(everybody, resamples) + _macro("macro", None, everybody, resamples)
    categories: list[HeldOutValue] = []
    for group, listed in groups.items():
        own = [raters[r] for r in sorted(listed) if r in raters]
        categories += _macro("category", group, own, resamples) if own else []
    categories += _minimum(categories)
    return ([], overall + categories) if len(raters) < FEWEST_RATERS else (overall, categories)


def _by_rater(margins: Sequence[float], rater_of: Sequence[int]) -> dict[int, _Rater]:
    """In ascending order of the raters' numbers."""
    found: dict[int, list[Numbers]] = {}
    for margin, rater in zip(margins, rater_of, strict=True):
        found.setdefault(rater, []).append(_numbers_of(margin))
    return {r: _Rater(len(found[r]), tuple(map(math.fsum, zip(*found[r], strict=True)))) for r in sorted(found)}


def _numbers_of(margin: float) -> Numbers:
    accuracy = 0.5 if margin == 0 else float(margin > 0)
    return accuracy, margin, math.log1p(math.exp(-abs(margin))) + max(0.0, -margin)


def _micro(raters: Sequence[_Rater], resamples: RaterResamples | None) -> list[HeldOutValue]:
    """Σ over pairs / number of pairs; raters are drawn with all their pairs."""
    counts = [rater.pairs for rater in raters]
    found = []
    for place, metric in enumerate(METRICS):
        sums = [rater.sums[place] for rater in raters]
        ends: tuple[float, float] | tuple[()] = ()
        if resamples is not None:
            drawn = resamples.of(len(raters))
            ends = _interval([_sum_of(sums, some) / sum(map(counts.__getitem__, some)) for some in drawn])
        value = math.fsum(sums) / sum(counts)
        found.append(HeldOutValue("micro", metric, value, len(raters), None, None, None, *ends))
    return found


def _macro(
    scope: str, group: Group | None, raters: Sequence[_Rater], resamples: RaterResamples | None
) -> list[HeldOutValue]:
    """The mean over raters of their own means."""
    attribute, category = group or (None, None)
    pairs = None if group is None else sum(rater.pairs for rater in raters)
    found = []
    for place, metric in enumerate(METRICS):
        means = [rater.means[place] for rater in raters]
        ends: tuple[float, float] | tuple[()] = ()
        if resamples is not None:
            ends = _interval([_sum_of(means, some) / len(means) for some in resamples.of(len(means))])
        value = math.fsum(means) / len(means)
        found.append(HeldOutValue(scope, metric, value, len(means), pairs, attribute, category, *ends))
    return found


def _minimum(categories: Sequence[HeldOutValue]) -> list[HeldOutValue]:
    """The category of the lowest accuracy once more, the first of several, by all metrics."""
    able = [row for row in categories if row.metric == METRICS[0] and row.raters >= FEWEST_RATERS]
    if not able:
        return []
    lowest = min(able, key=lambda row: row.value)
    named = lowest.attribute, lowest.category
    return [row._replace(scope="minimum") for row in categories if (row.attribute, row.category) == named]


def _sum_of(values: Sequence[float], some: Sequence[int]) -> float:
    return math.fsum(map(values.__getitem__, some))


def _interval(samples: Sequence[float]) -> tuple[float, float]:
    """Percentiles, interpolated linearly."""
    ordered = sorted(samples)
    ends = [_linear_quantile(ordered, share) for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)]
    return ends[0], ends[1]


def _linear_quantile(ordered: Sequence[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
