"""Votes between two conditions, and their sums: all that methods need which count pairs.

A whole ranking of m conditions is m(m − 1)/2 votes, but votes are no rankings: not every pair need be compared, nor
all equally often, so that what stands first in how many orders is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.ranking.counts import MOST_CONDITIONS, Floats, Ints, numbered

OF_WHOLE_RANKINGS = frozenset({"borda", "plackett_luce", "plackett_luce_published", "mallows"})
"""Methods that votes between two are not enough for; all others count pairs."""


@dataclass(frozen=True, slots=True)
class Vote:
    """How often the first and the second of a pair was preferred on a question; a tie is half a win each."""

    question_id: str
    clause_id: int
    judge: str
    pair: tuple[str, str]
    won: float
    lost: float
    weight: int = 1


@dataclass(frozen=True)
class Votes:
    """n votes between two of m conditions each.

    pairs[k] (shape (n, 2)) are the two of vote k by their numbers; won[k] (shape (n, 2)) what it counts for each;
    question, clause and asked are as in `Ballots`.
    """

    conditions: tuple[str, ...]
    pairs: Ints
    won: Floats
    asked: tuple[str, ...]
    question: Ints
    clause: Ints

    def __len__(self) -> int:
        return len(self.pairs)

    def wins_by(self, unit: Ints, units: int) -> Floats:
        """w_ij per unit: what the votes for i against j sum to. Shape (units, m, m), zero diagonal."""
        m = len(self.conditions)
        wins = np.zeros((units, m, m))
        first, second = self.pairs.T
        np.add.at(wins, (unit, first, second), self.won[:, 0])
        np.add.at(wins, (unit, second, first), self.won[:, 1])
        return wins


MOST_CELLS = 250_000_000
"""Numbers that votes may be resampled with: one for each unit and resample, and a matrix for each unit."""


def require_room(units: int, resamples: int, conditions: int) -> None:
    """Refuses to resample so many units that memory would not hold them.

    Raises:
        InputError: they are too many.
    """
    if units * max(resamples, conditions**2) > MOST_CELLS:
        raise InputError(
            f"{resamples} resamples of {units} votes take too much memory; resample questions, or make fewer resamples"
        )


def encode_votes(votes: Sequence[Vote]) -> Votes:
    """The votes as arrays; conditions are numbered in order of their names.

    Raises:
        InputError: there is none, or there are too many conditions.
    """
    if not votes:
        raise InputError("there are no votes to aggregate")
    conditions = tuple(sorted({name for vote in votes for name in vote.pair}))
    if len(conditions) > MOST_CONDITIONS:
        raise InputError(f"votes on {len(conditions)} conditions cannot be aggregated; 2 to {MOST_CONDITIONS} can")
    index = {condition: i for i, condition in enumerate(conditions)}
    questions = [(vote.clause_id, vote.question_id) for vote in votes]
    return Votes(
        conditions=conditions,
        pairs=np.array([[index[name] for name in vote.pair] for vote in votes], dtype=np.int64),
        won=np.array([[vote.won * vote.weight, vote.lost * vote.weight] for vote in votes]),
        asked=tuple(question for _, question in dict.fromkeys(questions)),
        question=numbered(questions),
        clause=numbered([vote.clause_id for vote in votes]),
    )
