"""Somebody who wants to name the people of a bundle, with all that is public: the source, the program and the seed.

Only the secret of the pseudonyms is not known. Whatever a guess says is compared with `private/raters.csv`, which the
attacker has not got either.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.config import RunConfig
from core.data.stage import read_pool
from storage.record.sealing import opened

Guess = Mapping[str, str]
"""Source id by pseudonym."""

_LIKE_A_NAME = re.compile(rb"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])")


@dataclass(frozen=True)
class Source:
    """What the public files say: every id in the source's order; of people with pairs what is known of each."""

    ids: tuple[str, ...]
    rated: tuple[str, ...]
    known: Mapping[str, Known]

    @property
    def us_rep(self) -> tuple[str, ...]:
        """Those of the representative sample for the United States, which PRISM marks."""
        return tuple(who for who in self.rated if self.known[who].us_rep)

    @property
    def rater_of_pairs(self) -> list[int]:
        """The rater of each pair, by place among all ids, as pairs are numbered."""
        counts = [self.known[who].pairs if who in self.known else 0 for who in self.ids]
        return [place for place, count in enumerate(counts) for _ in range(count)]


@dataclass(frozen=True)
class Known:
    """What the source says of a person."""

    categories: tuple[str, ...]
    locale: str
    pairs: int
    us_rep: bool = False


def read_source(config: RunConfig) -> Source:
    """The source, read by the program that everybody has."""
    assert config.data.path is not None
    rows = (config.data.path / "survey.jsonl").read_text(encoding="utf-8").splitlines()
    ids = sorted(json.loads(row)["user_id"] for row in rows)
    pool = read_pool(config)
    known = {
        ids[int(rater.rater_id)]: Known(pool.types[t], rater.locale, pairs, rater.us_rep)
        for rater, t, pairs in zip(pool.raters, pool.type_of, pool.pairs, strict=True)
    }
    return Source(tuple(ids), tuple(sorted(known)), known)


@dataclass(frozen=True)
class Bundle:
    """What is in a bundle, opened as far as it goes; `names` are pseudonyms to look for."""

    folder: Path
    names: frozenset[str]

    @cached_property
    def bodies(self) -> dict[str, bytes]:
        """Every file and every text of the database."""
        found = {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        with closing(sqlite3.connect(self.folder / "audit.db")) as db:
            found.update({f"text {name}": body for name, body in db.execute("SELECT sha256, body FROM blobs")})
        return found

    @cached_property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and values of every event, with its sealed parts where they are here."""
        with closing(sqlite3.connect(self.folder / "audit.db")) as db:
            bodies = dict(db.execute("SELECT sha256, body FROM blobs").fetchall()).get
            rows = db.execute("SELECT kind, payload FROM events ORDER BY seq").fetchall()
        return [(kind, opened(json.loads(payload), bodies)) for kind, payload in rows]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """The values of all events of a kind."""
        return [values for found, values in self.events if found == kind]

    def known(self) -> dict[str, Known]:
        """What is said of each pseudonym."""
        (pool,) = self.values("pool.built")
        categories = {row["type"]: tuple(row["categories"]) for row in pool["types"]}
        return {row["rater_id"]: Known(categories[row["type"]], row["locale"], row["pairs"]) for row in pool["raters"]}

    @cached_property
    def orders(self) -> dict[str, list[str]]:
        """The pseudonyms as they first appear in each file and text, and in each field of an event."""
        spelt = {name: _LIKE_A_NAME.findall(body) for name, body in self.bodies.items()}
        found = {where: [name.decode() for name in listed] for where, listed in spelt.items()}
        for number, (kind, values) in enumerate(self.events):
            found.update({f"{kind} {number}.{field}": list(_texts(value)) for field, value in values.items()})
        kept = {where: list(dict.fromkeys(x for x in listed if x in self.names)) for where, listed in found.items()}
        return {where: listed for where, listed in kept.items() if listed}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def right(guess: Guess, truth: Guess) -> int:
    """How many people a guess names."""
    return sum(truth[name] == who for name, who in guess.items())


def by_order(listed: Sequence[str], people: Sequence[str]) -> list[Guess]:
    """The first pseudonym is the first of the source, or its last; nothing where there are not as many."""
    if len(listed) != len(people):
        return []
    return [dict(zip(listed, order, strict=True)) for order in (people, people[::-1])]


def by_knowledge(listed: Mapping[str, Hashable], people: Mapping[str, Hashable]) -> tuple[Guess, int, int]:
    """The first of those of whom the same is known is the first; with the number of groups, and of groups of one."""
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for who, what in people.items():
        groups[what].append(who)
    left = {what: iter(members) for what, members in groups.items()}
    guess = {name: next(left[what]) for name, what in listed.items()}
    return guess, len(groups), sum(len(members) == 1 for members in groups.values())


def likeness(listed: Sequence[str], truth: Guess) -> float:
    """How far an order follows the source's, in standard deviations of chance (Spearman's rank correlation)."""
    ranks = np.argsort(np.argsort([truth[name] for name in listed]))
    places = np.arange(len(listed))
    return float(abs(np.corrcoef(places, ranks)[0, 1]) * (len(listed) - 1) ** 0.5)
