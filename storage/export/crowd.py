"""How easily the people of a pool can be told apart by what a bundle says of them: this run's own figures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from storage.record.views.sql_parts import people_of

_DESCRIBED = f"""WITH held AS MATERIALIZED (
  SELECT r.value->>'$.rater_id' AS rater_id, r.value->>'$.pairs' AS pairs, r.value->>'$.measured' AS measured
  FROM events e, json_each({people_of("e.payload")}, '$.rows') r
  WHERE e.seq = (SELECT max(seq) FROM events WHERE kind = 'heldout.split')
)
SELECT raters.type, raters.locale, raters.pairs, held.pairs, held.measured
FROM raters LEFT JOIN held ON held.rater_id = raters.rater_id"""

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
    """By attributes alone; with the locale; and with the number of pairs, and of those held out, beside."""

    by_attributes: Crowd
    with_locale: Crowd
    with_pairs: Crowd


def crowd_of(db: sqlite3.Connection) -> Crowds | None:
    """The figures of a record; None where it has no pool, or rows about people were withheld before."""
    rows = db.execute(_DESCRIBED).fetchall()
    if not rows:
        return None
    return Crowds(_crowd(t for t, *_ in rows), _crowd((t, place) for t, place, *_ in rows), _crowd(rows))


def small_categories(db: sqlite3.Connection, k: int) -> list[str]:
    """Categories of quotas that fewer than k people of the pool have, and somebody: 'attribute: category (people)'."""
    rows = db.execute("SELECT DISTINCT attribute, category, in_pool FROM quotas WHERE in_pool BETWEEN 1 AND ?", [k - 1])
    return [f"{attribute}: {category} ({people})" for attribute, category, people in rows]


def _crowd(described: Iterable[Hashable]) -> Crowd:
    groups = Counter(described)
    return Crowd(
        people=sum(groups.values()),
        alone=sum(n for n in groups.values() if n == 1),
        among_few=sum(n for n in groups.values() if n < FEW),
        smallest=min(groups.values()),
    )
