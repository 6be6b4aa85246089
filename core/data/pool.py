"""The pool: the people who can be drawn, collapsed into types of equal attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.data.attributes import has_category
from core.data.tables import Tables
from core.events import PoolBuilt, PoolLeftOut, PoolRater, PoolType
from core.sections.who_is_drawn import Attribute
from core.types import Pool, Rater

Categories = tuple[str, ...]
"""One category per attribute, in the order of the attributes."""


def build_pool(raters: Sequence[Rater], pairs: Sequence[int], attributes: Sequence[Attribute]) -> PoolBuilt:
    """Raters with at least one usable pair and a category in every attribute, and their types; pairs[r] is N_r.

    Raters with pairs whose answer has no category are left out of the pool, and told beside it.

    Raters are in the order of their pseudonyms: that of the source ids would name everybody to whoever has them.
    Types are numbered in the order of their categories, and these in the order of the attribute's targets.
    Without attributes there is one type.
    """
    order = sorted(range(len(raters)), key=lambda r: raters[r].rater_id)
    lacks = {r: _without_category(raters[r], attributes) for r in order if pairs[r] > 0}
    members = [r for r, names in lacks.items() if not names]
    categories = [tuple(raters[r].attributes[attribute.name] for attribute in attributes) for r in members]
    types = _types(categories, [list(attribute.targets) for attribute in attributes])
    number = _numbers(types)
    return PoolBuilt(
        attributes=[attribute.name for attribute in attributes],
        raters=[
            PoolRater(rater_id=raters[r].rater_id, type=number[row], pairs=int(pairs[r]), locale=raters[r].locale)
            for r, row in zip(members, categories, strict=True)
        ],
        types=types,
        survey_only=len(raters) - len(lacks),
        left_out=[
            PoolLeftOut(rater_id=raters[r].rater_id, pairs=int(pairs[r]), locale=raters[r].locale, attributes=names)
            for r, names in lacks.items()
            if names
        ],
    )


def _without_category(rater: Rater, attributes: Sequence[Attribute]) -> list[str]:
    """The attributes in which a rater has no category."""
    return [attribute.name for attribute in attributes if not has_category(rater.attributes, attribute)]


def table_pool(tables: Tables, rater_ids: Sequence[str]) -> PoolBuilt:
    """The people of the tables under these ids, and their types in the order of the quotas' categories."""
    quotas = tables.quotas
    attributes = quotas.attributes()
    types = _types(
        [person.categories for person in tables.people],
        [[row.category for row in quotas.of(name)] for name in attributes],
    )
    number = _numbers(types)
    return PoolBuilt(
        attributes=list(attributes),
        raters=[
            PoolRater(rater_id=rater_id, type=number[person.categories], pairs=0)
            for rater_id, person in sorted(zip(rater_ids, tables.people, strict=True), key=lambda row: row[0])
        ],
        types=types,
        survey_only=0,
        files=list(tables.files),
        bounds=list(tables.bounds),
        seated=tables.seated,
        declined=tables.declined,
    )


def _types(people: Sequence[Categories], known: Sequence[Sequence[str]]) -> list[PoolType]:
    """The types that occur, sorted by the place of their categories among the known ones."""
    rank = [{category: i for i, category in enumerate(categories)} for categories in known]
    sizes: dict[Categories, int] = {}
    for row in people:
        sizes[row] = sizes.get(row, 0) + 1
    found = sorted(sizes, key=lambda row: [order[c] for order, c in zip(rank, row, strict=True)])
    return [PoolType(type=t, categories=list(row), size=sizes[row]) for t, row in enumerate(found)]


def _numbers(types: Sequence[PoolType]) -> Mapping[Categories, int]:
    return {tuple(row.categories): row.type for row in types}


def raters_of(built: PoolBuilt) -> tuple[Rater, ...]:
    """The people of a pool without preference data: all that is known of them stands in the record."""
    return tuple(
        Rater(row.rater_id, dict(zip(built.attributes, built.types[row.type].categories, strict=True)), row.locale)
        for row in built.raters
    )


def pool_of(built: PoolBuilt, raters: Sequence[Rater]) -> Pool:
    """The pool that was recorded; its people are found among the raters by their pseudonyms."""
    place = {rater.rater_id: r for r, rater in enumerate(raters)}
    members = tuple(place[row.rater_id] for row in built.raters)
    return Pool(
        attributes=tuple(built.attributes),
        raters=tuple(raters[r] for r in members),
        pairs=tuple(row.pairs for row in built.raters),
        rater=members,
        types=tuple(tuple(row.categories) for row in built.types),
        type_of=tuple(row.type for row in built.raters),
        bounds=tuple(built.bounds),
        seated=built.seated,
    )
