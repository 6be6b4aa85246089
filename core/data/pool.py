"""The pool: raters with at least one usable pair, collapsed into types of equal attributes."""

from __future__ import annotations

from collections.abc import Sequence

from core.config import Attribute
from core.events import PoolBuilt, PoolRater, PoolType
from core.types import Pool, PreferencePairs, Rater


def build_pool(pairs: PreferencePairs, attributes: Sequence[Attribute]) -> PoolBuilt:
    """Who is in the pool, and the types.

    Raters are in the order of their source ids: that order is a property of the data, while the order
    of lines and the pseudonyms are accidents that no draw may depend on. Types are numbered in the
    order of their categories, and these in the order of the attribute's targets. Without attributes
    there is one type.
    """
    counts = pairs.pairs_per_rater()
    members = [r for r in range(len(pairs.raters)) if counts[r] > 0]
    categories = {r: _categories(pairs.raters[r], attributes) for r in members}
    rank = [{category: i for i, category in enumerate(attribute.targets)} for attribute in attributes]
    types = sorted(set(categories.values()), key=lambda row: [order[c] for order, c in zip(rank, row, strict=True)])
    number = {row: t for t, row in enumerate(types)}
    sizes = [0] * len(types)
    for row in categories.values():
        sizes[number[row]] += 1
    return PoolBuilt(
        attributes=[attribute.name for attribute in attributes],
        raters=[
            PoolRater(
                rater_id=pairs.raters[r].rater_id,
                type=number[categories[r]],
                pairs=int(counts[r]),
                locale=pairs.raters[r].locale,
            )
            for r in members
        ],
        types=[PoolType(type=t, categories=list(row), size=sizes[t]) for t, row in enumerate(types)],
        survey_only=len(pairs.raters) - len(members),
    )


def _categories(rater: Rater, attributes: Sequence[Attribute]) -> tuple[str, ...]:
    return tuple(rater.attributes[attribute.name] for attribute in attributes)


def pool_of(built: PoolBuilt, pairs: PreferencePairs) -> Pool:
    """The pool that was recorded; its raters are found in the pairs by their pseudonyms."""
    place = {rater.rater_id: r for r, rater in enumerate(pairs.raters)}
    members = tuple(place[row.rater_id] for row in built.raters)
    return Pool(
        attributes=tuple(built.attributes),
        raters=tuple(pairs.raters[r] for r in members),
        pairs=tuple(row.pairs for row in built.raters),
        rater=members,
        types=tuple(tuple(row.categories) for row in built.types),
        type_of=tuple(row.type for row in built.raters),
    )
