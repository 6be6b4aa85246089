"""How often each condition is preferred to each other one, of votes between two, where not every pair need be compared.

All numbers of a pair are of what compared it: its rate in a resample is of the votes on it there, and resamples without
one say nothing of it; its majorities and its margin are of the questions with a vote on it. Where every pair is
compared by each unit, this is what `pairwise` finds of whole rankings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from core.facts.ranking.intervals import tail_of
from core.ranking.bootstrap import percentile_interval
from core.ranking.counts import Floats, Ints
from core.ranking.leaderboards import Aggregation
from core.ranking.votes import Votes


@dataclass(frozen=True)
class VotedPair:
    """As `PairwiseRow` of whole rankings, but for votes: ties are halves of them."""

    condition: str
    other: str
    votes: float
    votes_against: float
    win_rate: float
    low: float
    high: float
    majority_win_rate: float
    majority_low: float
    majority_high: float
    mean_margin: float


@dataclass(frozen=True)
class VotedPairs:
    """Every ordered pair with a vote on it, by the names.

    never_compared: pairs without one; by_one: pairs that a single unit compares, whose rate has no interval, since it
    is the same in every resample; most_left_out: resamples without a vote on a pair, of the pair with most of them.
    """

    rows: Sequence[VotedPair]
    never_compared: int
    by_one: int
    most_left_out: int


def pairs_of_votes(data: Aggregation) -> VotedPairs:
    """The pairs of an aggregation of votes; intervals are percentiles over the resamples of the leaderboards.

    They are expanded for few units as those of boards are, the units of a pair being those that compare it.

    Raises:
        TypeError: it is one of whole rankings.
    """
    votes = data.given
    if not isinstance(votes, Votes):
        raise TypeError("pairs_of_votes takes votes between two conditions; `pairwise` takes whole rankings")
    names, wins, won, by_question = data.conditions, data.wins, data.majorities, data.wins_by_question
    units = _comparing(votes, data.unit)
    of_majority = units if data.config.resample == "clauses" else _comparing(votes, votes.question)
    rows, never, by_one, left_out = [], 0, 0, 0
    for i, j in permutations(range(len(names)), 2):
        if not wins[0, i, j] + wins[0, j, i]:
            never += i < j
            continue
        rates, majority = _rates(wins, i, j), _rates(won, i, j)
        by_one += i < j and units[i, j] == 1
        left_out = max(left_out, data.config.resamples + 1 - len(rates))
        low, high = _interval(data, rates, int(units[i, j]))
        majority_low, majority_high = _interval(data, majority, int(of_majority[i, j]))
        rows.append(
            VotedPair(
                condition=names[i],
                other=names[j],
                votes=_count(wins[0, i, j]),
                votes_against=_count(wins[0, j, i]),
                win_rate=float(rates[0]),
                low=low,
                high=high,
                majority_win_rate=float(majority[0]),
                majority_low=majority_low,
                majority_high=majority_high,
                mean_margin=float((2 * _rates(by_question, i, j) - 1).mean()),
            )
        )
    return VotedPairs(rows, never, int(by_one), left_out)


def _count(votes: float) -> float:
    """The number as an integer where it is whole, as sums of votes without ties are."""
    return int(votes) if float(votes).is_integer() else float(votes)


def _comparing(votes: Votes, unit: Ints) -> Ints:
    """How many units have a vote on each pair, shape (m, m). unit (n,)."""
    m = len(votes.conditions)
    pair = np.sort(votes.pairs, axis=1) @ np.array([m, 1])
    each = np.unique((unit * m**2 + pair)[votes.won.sum(axis=1) > 0])
    found: Ints = np.bincount(each % m**2, minlength=m**2).reshape(m, m)
    return found + found.T


def _rates(wins: Floats, i: int, j: int) -> Floats:
    """w_ij / (w_ij + w_ji) of those with a vote on the pair, in their order. wins (K, m, m), result (up to K,)."""
    both = wins[:, i, j] + wins[:, j, i]
    rates: Floats = wins[both > 0, i, j] / both[both > 0]
    return rates


def _interval(data: Aggregation, rates: Floats, units: int) -> tuple[float, float]:
    """Of the rates of the data and of the resamples that have one; NaN where none has, and of a single unit."""
    if units < 2:
        return math.nan, math.nan
    low, high = percentile_interval(rates[1:], tail_of(data.config.confidence, units, data.plain))
    return float(low), float(high)
