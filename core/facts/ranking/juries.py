"""A jury: judges by their labels, what each of their rankings weighs, and which boards are made of some of them."""

from __future__ import annotations

from collections.abc import Sequence

MOST_WEIGHT = 1000
"""How many times a ranking may count: sums over a paper's run stay exact in counters of 64 bits and in floats."""

JURY_METHODS = ("bradley_terry", "borda")
"""Methods of boards of some of the judges, as far as the leaderboards of all have them."""

FEWEST_TO_LEAVE_ONE_OUT = 3
"""Of two judges, the board without one is the board of the other."""


def label_of(judge: str) -> str:
    """A judge's label, without the number of its call: "label" of "label#index"."""
    label, mark, _ = judge.rpartition("#")
    return label if mark else judge


def jury_methods(methods: Sequence[str], asked: Sequence[str] | None) -> tuple[str, ...]:
    """The methods of the jury's boards: those asked for, else those of `JURY_METHODS` that the whole jury's have."""
    return tuple(asked) if asked is not None else tuple(method for method in JURY_METHODS if method in methods)


def jury_boards(labels: Sequence[str]) -> list[tuple[str, bool]]:
    """The boards that some judges give, as (judge, without): each alone, then all but one. None of a single judge."""
    if len(labels) < 2:
        return []
    alone = [(label, False) for label in labels]
    return alone + ([(label, True) for label in labels] if len(labels) >= FEWEST_TO_LEAVE_ONE_OUT else [])


def jury_unit(method: str, judge: str, without: bool) -> str:
    """The unit of such a board in the stage `rank`."""
    return f"jury/{method}/{'without' if without else 'only'}/{judge}"
