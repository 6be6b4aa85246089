"""What every leaderboard is computed from: sums over the rankings, of the data and of each bootstrap resample.

A resample draws as many units (questions, rankings or clauses) as there are, with replacement, from the audited stream
(seed, "rank", "bootstrap"). Each cell that rankings count for is a counter; all counters of a unit stand side by side
in one integer, so that one addition adds them all, and a resample is the sum of the integers of its units.
"""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.facts.randomness import RandomStream

MOST_ALL_ORDERS = 7
"""Conditions of which all orders are tried, and all sets counted; beyond, only pairs are counted."""

MOST_DRAWN = 20_000_000
"""Units over all resamples: some ten seconds. A paper's run draws three million."""

MOST_SUMS = 3_000_000
"""Counters over all resamples that are held at once."""

SPLIT_SEED = 42
"""Of the rankings that Mallows holds out: Python's own generator, as in the published scripts."""

Votes = Sequence[Sequence[int]]
"""w[i][j]: how often the condition i stands before j. Conditions are numbered in order of their names."""

Matrix = Sequence[Sequence[float]]
"""The same, where halves are counted too."""

Cell = tuple[str, int, int]
"""What a ranking counts for: ("pair", i, j) is i before j; ("train", i, j) the same, where the ranking is not held out;
("choice", S, i) is i put next while the set S was still to be ranked."""


class TooMuch(Exception):
    """It takes more time or memory than this file spends; the message says why."""


@dataclass(frozen=True)
class Ballot:
    """A ranking: conditions, best first, as they were shown, and the numbers of question and clause as they appear.

    lengths and words are the characters and words of each condition's answer; empty where they are not known. The
    ranking of this judge counts `weight` times.
    """

    order: tuple[int, ...]
    shown: tuple[int, ...]
    question: int
    clause: int
    lengths: tuple[int, ...] = ()
    judge: str = ""
    weight: int = 1
    words: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sums:
    """Counts over the rankings of the data, or of a resample; `choices` has bits for the members of a set."""

    wins: Votes
    train: Votes
    choices: Mapping[tuple[int, int], int]


def side_by_side(counts: Iterable[tuple[int, int]]) -> int:
    """Counters of 64 bits in one integer, given the place and the value of each."""
    return sum(value << (64 * place) for place, value in counts)


def taken_apart(packed: int, counters: int) -> tuple[int, ...]:
    """The values of so many counters."""
    return struct.unpack(f"<{counters}Q", packed.to_bytes(8 * counters, "little"))


def held_out_of(rankings: int) -> frozenset[int]:
    """The rankings that Mallows holds out: the first fifth of a shuffle, none of fewer than five."""
    shuffled = list(range(rankings))
    random.Random(SPLIT_SEED).shuffle(shuffled)
    return frozenset(shuffled[: rankings // 5])


def units_of(ballots: Sequence[Ballot], resample: str) -> list[int]:
    """The unit of each ranking, by its number."""
    if resample == "rankings":
        return list(range(len(ballots)))
    return [ballot.question if resample == "questions" else ballot.clause for ballot in ballots]


def summed(ballots: Sequence[Ballot], resample: str, resamples: int, seed: int) -> list[Sums]:
    """The sums of the data as given, then those of the resamples.

    Raises:
        TooMuch: there is too much to draw, or to hold.
    """
    conditions, units = len(ballots[0].order), units_of(ballots, resample)
    drawn = 1 + max(units)
    require_drawable(drawn, resamples, resample)
    places: dict[Cell, int] = {}
    of_unit = [0] * drawn
    for unit, packed in zip(units, _packed(ballots, places), strict=True):
        of_unit[unit] += packed
    if len(places) * resamples > MOST_SUMS:
        raise TooMuch(f"{resamples} resamples of {conditions} conditions are too many to hold here")
    found = [_sums(sum(of_unit), places, conditions)]
    for units_drawn in drawn_units(drawn, resamples, seed):
        packed = sum(map(of_unit.__getitem__, units_drawn))
        found.append(_sums(packed, places, conditions))
    return found


def sums_without_each(ballots: Sequence[Ballot], units: Sequence[int]) -> list[Sums]:
    """The sums of all rankings, then those without each unit, of which `units` has that of every ranking."""
    places: dict[Cell, int] = {}
    of_unit = [0] * (1 + max(units))
    for unit, packed in zip(units, _packed(ballots, places), strict=True):
        of_unit[unit] += packed
    total, conditions = sum(of_unit), len(ballots[0].order)
    return [_sums(packed, places, conditions) for packed in (total, *(total - own for own in of_unit))]


def require_drawable(units: int, resamples: int, resample: str) -> None:
    """
    Raises:
        TooMuch: there is too much to draw.
    """
    if units * resamples > MOST_DRAWN:
        raise TooMuch(f"{resamples} resamples of {units} {resample} are too many to draw again here")


@lru_cache(maxsize=2)
def drawn_units(units: int, resamples: int, seed: int) -> tuple[array[int], ...]:
    """The units that each resample draws, of rankings and of questions. Boards of some judges draw the same as those of
    all."""
    stream = RandomStream(seed, "rank", "bootstrap")
    return tuple(array("I", stream.many_below(units, units)) for _ in range(resamples))


def _packed(ballots: Sequence[Ballot], places: dict[Cell, int]) -> Iterator[int]:
    """Each ranking's counters; cells that have no place yet get the next one."""
    out = held_out_of(len(ballots))
    known: dict[Any, int] = {}
    for number, ballot in enumerate(ballots):
        key = ballot.order, number in out
        if key not in known:
            known[key] = side_by_side(
                (places.setdefault(cell, len(places)), 1) for cell in _cells(ballot.order, number not in out)
            )
        yield known[key] * ballot.weight


def _cells(order: tuple[int, ...], train: bool) -> Iterator[Cell]:
    """Whatever a ranking counts for, once each."""
    remaining = sum(1 << condition for condition in order)
    for place, condition in enumerate(order):
        for other in order[place + 1 :]:
            yield "pair", condition, other
            if train and len(order) <= MOST_ALL_ORDERS:
                yield "train", condition, other
        if len(order) <= MOST_ALL_ORDERS:
            yield "choice", remaining, condition
        remaining -= 1 << condition


def _sums(packed: int, places: Mapping[Cell, int], conditions: int) -> Sums:
    wins = [[0] * conditions for _ in range(conditions)]
    train = [[0] * conditions for _ in range(conditions)]
    choices = {}
    for (kind, of, condition), value in zip(places, taken_apart(packed, len(places)), strict=True):
        if kind == "choice":
            choices[of, condition] = value
        else:
            (wins if kind == "pair" else train)[of][condition] = value
    return Sums(wins, train, choices)
