"""How easily the people of a pool can be told apart by what a bundle says of them: this run's own figures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

FEW = 5
"""People in a group smaller than this are counted as easy to tell."""


@dataclass(frozen=True)
class Crowd:
    """People by what is said of them: how many are alone in it, in groups below `FEW`, and the smallest group."""

    people: int
    alone: int
    among_few: int
    smallest: int


@dataclass(frozen=True)
class Crowds:
    """By attributes alone; with the locale; and with the number of pairs beside."""

    by_attributes: Crowd
    with_locale: Crowd
    with_pairs: Crowd


def crowd_of(db: sqlite3.Connection) -> Crowds | None:
    """The figures of a record; None where it has no pool, or rows about people were withheld before."""
    rows = db.execute("SELECT type, locale, pairs FROM raters").fetchall()
    if not rows:
        return None
    return Crowds(_crowd(t for t, _, _ in rows), _crowd((t, place) for t, place, _ in rows), _crowd(rows))


def _crowd(described: Iterable[Hashable]) -> Crowd:
    groups = Counter(described)
    return Crowd(
        people=sum(groups.values()),
        alone=sum(n for n in groups.values() if n == 1),
        among_few=sum(n for n in groups.values() if n < FEW),
        smallest=min(groups.values()),
    )
