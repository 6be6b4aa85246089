"""Schulze's method on the example with which its author introduced it."""

from __future__ import annotations

import numpy as np

from core.ranking.methods.copeland import copeland_majority
from core.ranking.methods.schulze import schulze

BALLOTS = {
    "ACBED": 5,
    "ADECB": 5,
    "BEDAC": 8,
    "CABED": 3,
    "CAEBD": 7,
    "CBADE": 2,
    "DCEBA": 7,
    "EBADC": 8,
}
"""45 voters and five candidates (Schulze 2011, example 1; also in Wikipedia, "Schulze method"): E > A > C > B > D."""


def votes(ballots: dict[str, int]) -> np.ndarray:
    names = sorted(next(iter(ballots)))
    wins = np.zeros((len(names), len(names)))
    for order, voters in ballots.items():
        for place, better in enumerate(order):
            for worse in order[place + 1 :]:
                wins[names.index(better), names.index(worse)] += voters
    return wins


def test_the_example_of_its_author() -> None:
    scores = dict(zip("ABCDE", schulze(votes(BALLOTS)).tolist(), strict=True))
    assert sorted(scores, key=scores.__getitem__, reverse=True) == list("EACBD")
    assert list(scores.values()) == [2, -2, 0, -4, 4]
    assert len(set(copeland_majority(votes(BALLOTS)).tolist())) < 5, "which majorities alone do not order"


def test_a_cycle_of_equal_links_is_a_tie() -> None:
    assert schulze(votes({"ABC": 1, "BCA": 1, "CAB": 1})).tolist() == [0, 0, 0]


def test_batches_are_ranked_one_by_one() -> None:
    both = np.stack([votes(BALLOTS), votes(BALLOTS).T])
    assert schulze(both).tolist() == [schulze(both[0]).tolist(), schulze(both[1]).tolist()]


def test_one_condition() -> None:
    assert schulze(np.zeros((1, 1))).tolist() == [0]
