"""Whether a judge ranks by the place at which an answer was shown: two tests of each judge, and what is said of them.

The shown orders are uniform and nobody but the judge knows them, so without such a habit, whatever the answers are:

- each of the m places is where the answer ranked first was shown equally often. Pearson's χ² over the places (m − 1
  degrees of freedom) tests it where n/m ≥ 5 of a judge's n rankings are expected at each; with fewer, the exact
  binomial probability that one place has so many, times m.
- the correlation r of shown place and rank has mean 0 and variance 1/(n(m − 1)), as each ranking's has 1/(m − 1):
  r²n(m − 1) is χ² with one degree of freedom. A large n shows the smallest habit, so r counts only
  beyond `NOTABLE_CORRELATION`.

The chance of any false alarm in a run is `FALSE_ALARM` at most (Bonferroni: that divided by two tests of each judge).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

FALSE_ALARM = 0.01
NOTABLE_CORRELATION = 0.3
LEAST_EXPECTED = 5


class ShownPlaces(NamedTuple):
    """How the places of one judge's answers go together.

    firsts: how often the answer ranked first was shown at each place, (m,); by_first and by_correlation: the
    probabilities of what was found, or more, without a habit.
    """

    rankings: int
    firsts: tuple[int, ...]
    correlation: float
    by_first: float
    by_correlation: float


def places_of(calls: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> dict[str, Counter[tuple[int, int]]]:
    """How often each judge ranked what it was shown at a place at a rank, both from 0.

    Args:
        calls: of each call that ranked: judge (`label#index`), conditions as shown, conditions as ranked.
    """
    found: dict[str, Counter[tuple[int, int]]] = {}
    for judge, shown, ranking in calls:
        place = {condition: at for at, condition in enumerate(shown)}
        counts = found.setdefault(judge.rpartition("#")[0] or judge, Counter())
        counts.update((place[condition], rank) for rank, condition in enumerate(ranking) if condition in place)
    return found


def shown_places(counts: Mapping[tuple[int, int], int]) -> ShownPlaces | None:
    """What the counts of one judge by (shown place, rank) say.

    Returns:
        None where there is nothing to compare: fewer than two answers, or counts that are not those of whole rankings.
    """
    size = 1 + max((max(cell) for cell in counts), default=0)
    table = [[counts.get((place, rank), 0) for rank in range(size)] for place in range(size)]
    rankings = sum(table[0])
    sums = {sum(line) for line in (*table, *zip(*table, strict=True))}
    if size < 2 or sums != {rankings} or rankings < 1 or sum(counts.values()) != rankings * size:
        return None
    middle = (size - 1) / 2
    product = sum((place - middle) * (rank - middle) * times for (place, rank), times in counts.items())
    correlation = product / (rankings * size * (size**2 - 1) / 12)
    firsts = tuple(line[0] for line in table)
    return ShownPlaces(
        rankings,
        firsts,
        correlation,
        _chance_of_firsts(firsts),
        chi_square_tail(correlation**2 * rankings * (size - 1), 1),
    )


def habits(judges: Mapping[str, ShownPlaces]) -> dict[str, str]:
    """A sentence about each judge that ranks by the shown place, by its label."""
    level = FALSE_ALARM / (2 * len(judges)) if judges else 0.0
    return {
        label: _habit(label, found)
        for label, found in judges.items()
        if found.by_first < level or (abs(found.correlation) > NOTABLE_CORRELATION and found.by_correlation < level)
    }


def habits_of(calls: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> list[str]:
    """`habits` of judges by their calls (`places_of`)."""
    found = {label: shown_places(counts) for label, counts in places_of(calls).items()}
    return list(habits({label: places for label, places in found.items() if places}).values())


def _habit(label: str, found: ShownPlaces) -> str:
    size, most = len(found.firsts), max(found.firsts)
    at = found.firsts.index(most)
    named = {0: "first", size - 1: "last"}.get(at, f"in place {at + 1}")
    return (
        f"judge {label!r} ranks by the shown place: {most:,} of {found.rankings:,} first places went to the answer "
        f"shown {named} of {size} (correlation of shown place and rank {found.correlation:.2f})"
    )


def _chance_of_firsts(firsts: Sequence[int]) -> float:
    rankings, size = sum(firsts), len(firsts)
    expected = rankings / size
    if expected >= LEAST_EXPECTED:
        return chi_square_tail(sum((times - expected) ** 2 for times in firsts) / expected, size - 1)
    ways = sum(
        math.comb(rankings, times) * (size - 1) ** (rankings - times) for times in range(max(firsts), rankings + 1)
    )
    return min(1.0, size * ways / size**rankings)


def chi_square_tail(value: float, degrees: int) -> float:
    """P(χ² ≥ value) with so many degrees of freedom, a whole number ≥ 1: the finite sums of the two parities."""
    half = value / 2
    term = math.exp(-half)
    if degrees % 2:
        total, term = math.erfc(math.sqrt(half)), term * math.sqrt(half) * 2 / math.sqrt(math.pi)
        steps = [k + 1.5 for k in range((degrees - 1) // 2)]
    else:
        total, steps = 0.0, [k + 1.0 for k in range(degrees // 2)]
    for step in steps:
        total, term = total + term, term * half / step
    return total
