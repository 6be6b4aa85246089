"""The votes of each question, and what follows from whom its majority prefers: sums over the data and its resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

from core.facts.ranking.methods import resample_of
from storage.verifier.ranking.resamples import (
    Ballot,
    Matrix,
    drawn_units,
    require_drawable,
    side_by_side,
    taken_apart,
    units_of,
)

Preferred = Mapping[tuple[int, int], int]
"""How often a question has i before j, by (i, j); of every pair that is compared, both ways."""


def votes_by_question(ballots: Sequence[Ballot]) -> dict[int, Preferred]:
    """The votes of each question, by its number."""
    found: dict[int, dict[tuple[int, int], int]] = {}
    for ballot in ballots:
        votes = found.setdefault(ballot.question, dict.fromkeys(permutations(range(len(ballot.order)), 2), 0))
        for pair in combinations(ballot.order, 2):
            votes[pair] += ballot.weight
    return dict(found)


def halves_won(votes: Preferred, i: int, j: int) -> int:
    """2 where a question prefers i to j by majority, 1 where it is even, else 0."""
    return 1 + (votes[i, j] > votes[j, i]) - (votes[i, j] < votes[j, i])


def majorities_summed(ballots: Sequence[Ballot], resample: str, resamples: int, seed: int) -> list[Matrix]:
    """How many questions prefer i to j by majority, a tie counting half: of the data, then of the resamples.

    Raises:
        TooMuch: there is too much to draw.
    """
    conditions = len(ballots[0].order)
    drawn_by = resample_of("bradley_terry_majority", resample)
    unit_of = dict(zip((ballot.question for ballot in ballots), units_of(ballots, drawn_by), strict=True))
    of_unit = [0] * (1 + max(unit_of.values()))
    require_drawable(len(of_unit), resamples, drawn_by)
    pairs = list(permutations(range(conditions), 2))
    for question, votes in votes_by_question(ballots).items():
        of_unit[unit_of[question]] += side_by_side((k, halves_won(votes, *pair)) for k, pair in enumerate(pairs))
    every = [sum(of_unit)]
    every += [sum(map(of_unit.__getitem__, drawn)) for drawn in drawn_units(len(of_unit), resamples, seed)]
    return [_matrix(taken_apart(packed, len(pairs)), pairs, conditions) for packed in every]


def _matrix(halves: Sequence[int], pairs: Sequence[tuple[int, int]], conditions: int) -> Matrix:
    won = [[0.0] * conditions for _ in range(conditions)]
    for (i, j), times in zip(pairs, halves, strict=True):
        won[i][j] = times / 2
    return won
