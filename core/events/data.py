"""Pairs and pool."""

from __future__ import annotations

from typing import ClassVar

from core.events.base import Artifact, Event, Part, Sha256, described, sealed, volatile


class FileRead(Part):
    """One input file."""

    name: str
    bytes: int
    sha256: Sha256
    rows: int


class UnlistedAnswer(Part):
    """An answer that is no category of its attribute; category is what its raters were taken for, absent: left out."""

    attribute: str
    answer: str
    raters: int
    category: str | None = None


class PairsBuilt(Event):
    """The usable preference pairs; every filter has been applied."""

    kind: ClassVar[str] = "pairs.built"
    source: str = volatile("folder or hub name the data came from")
    files: list[FileRead] = described("files read, with size, SHA-256 and number of rows")
    raters: int = described("raters kept, with and without pairs")
    rater_ids: list[str] = sealed("private", "pseudonyms of the raters kept, in the order of their source ids")
    contexts: int = described("distinct contexts")
    responses: int = described("distinct responses")
    pairs: int = described("preference pairs")
    excluded: dict[str, int] = described("what was left out, repaired or is odd, by reason, in counts")
    unlisted: list[UnlistedAnswer] = sealed(
        "people",
        "answers without a category, how many raters gave each (empty text: no answer), and what became of them",
        default_factory=list,
    )
    artifact: Artifact = sealed("private", "the pairs with their texts, in the order of the source ids")


class PoolRater(Part):
    """One row of the pool; raters are in the order of their pseudonyms."""

    rater_id: str
    type: int
    pairs: int
    locale: str = ""


class PoolType(Part):
    """Raters with equal attributes; categories in the order of the attributes."""

    type: int
    categories: list[str]
    size: int


class PoolLeftOut(Part):
    """A rater with pairs whom no lottery can draw; attributes are those in which the answer has no category."""

    rater_id: str
    pairs: int
    locale: str = ""
    attributes: list[str]


class PoolBounds(Part):
    """A quota given in numbers of members."""

    attribute: str
    category: str
    lower: int
    upper: int


class PoolBuilt(Event):
    """The people who can be drawn (with preference data: raters with at least one usable pair), and their types."""

    kind: ClassVar[str] = "pool.built"
    attributes: list[str] = described("names of the attributes, in order")
    raters: list[PoolRater] = sealed("people", "pseudonym, type and N_r of every rater, in the order of the pseudonyms")
    types: list[PoolType] = sealed("people", "types in order of their categories")
    survey_only: int = described("raters without a usable pair, left out")
    left_out: list[PoolLeftOut] = sealed(
        "people",
        "raters with pairs whose answers have no category, in the order of the pseudonyms: π = 0, but among all raters",
        default_factory=list,
    )
    files: list[FileRead] = described("tables read, with size, SHA-256 and number of rows", default_factory=list)
    bounds: list[PoolBounds] = described(
        "quotas that came with the pool, less the seats that are taken", default_factory=list
    )
    seated: int = described("people of an earlier panel who keep their seats; they are not in the pool", default=0)
    declined: int = described("people of an earlier panel who declined; they are not in the pool", default=0)
