"""Pairs and pool."""

from __future__ import annotations

from typing import ClassVar

from core.events.base import Artifact, Event, Part, described, volatile


class FileRead(Part):
    """One input file."""

    name: str
    bytes: int
    sha256: str
    rows: int


class PairsBuilt(Event):
    """The usable preference pairs; every filter has been applied."""

    kind: ClassVar[str] = "pairs.built"
    source: str = volatile("folder or hub name the data came from")
    files: list[FileRead] = described("files read, with size, SHA-256 and number of rows")
    raters: int = described("raters kept, with and without pairs")
    rater_ids: list[str] = described("pseudonyms of the raters kept, in source order", default_factory=list)
    contexts: int = described("distinct contexts")
    responses: int = described("distinct responses")
    pairs: int = described("preference pairs")
    excluded: dict[str, int] = described("what was left out or repaired, by reason, in counts")
    artifact: Artifact = described("the pairs with their texts")


class PoolRater(Part):
    """One row of the pool; raters are in the order of their source ids."""

    rater_id: str
    type: int
    pairs: int
    locale: str = ""


class PoolType(Part):
    """Raters with equal attributes; categories in the order of the attributes."""

    type: int
    categories: list[str]
    size: int


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
    raters: list[PoolRater] = described("pseudonym, type and N_r of every rater, in source order")
    types: list[PoolType] = described("types in order of their categories")
    survey_only: int = described("raters without a usable pair, left out")
    files: list[FileRead] = described("tables read, with size, SHA-256 and number of rows", default_factory=list)
    bounds: list[PoolBounds] = described(
        "quotas that came with the pool, less the seats that are taken", default_factory=list
    )
    seated: int = described("people of an earlier panel who keep their seats; they are not in the pool", default=0)
    declined: int = described("people of an earlier panel who declined; they are not in the pool", default=0)
