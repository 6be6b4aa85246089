"""The category of a rater in each attribute of the population."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.data.files.rows import Row, listed, shown
from core.data.files.texts import without_lone_surrogates
from core.data.unlisted import Unlisted
from core.sections.who_is_drawn import Attribute

UNDISCLOSED = ("Prefer not to say", "Other")
"""Categories that take raters who gave no answer; the first that has a target."""


def categories_of(row: Row, attributes: Sequence[Attribute], unlisted: Unlisted, tally: Counter[str]) -> dict[str, str]:
    """Category by attribute, in the order of the population; the answer itself where it has none.

    Raises:
        InputError: a column is missing.
    """
    return {attribute.name: _category(row, attribute, unlisted, tally) for attribute in attributes}


def reason_missing(attribute: str) -> str:
    """The reason under which raters without an answer are counted."""
    return f"raters_{attribute}_missing"


def has_category(categories: Mapping[str, str], attribute: Attribute) -> bool:
    """Whether a rater has a category in an attribute; who lacks one is not in the pool."""
    return categories[attribute.name] in attribute.targets


def _category(row: Row, attribute: Attribute, unlisted: Unlisted, tally: Counter[str]) -> str:
    """The rater's category.

    No answer (null or blank) becomes "Prefer not to say", else "Other", where the attribute has such a
    category, and is counted. What else has no target goes to `unlisted`: recoding it silently would move
    people between quotas because of a typing mistake.
    """
    answer = _as_category(_value(row, attribute), row, attribute)
    if answer in attribute.targets:
        return answer
    fallback = next((name for name in UNDISCLOSED if name in attribute.targets), None)
    if answer or fallback is None:
        return unlisted.category(row, attribute, without_lone_surrogates(answer))
    tally[reason_missing(attribute.name)] += 1
    return fallback


def _value(row: Row, attribute: Attribute) -> Any:
    """The value at the attribute's column; a dot leads into an object, and null on the way is no value."""
    value: Any = row.values
    parts = attribute.column.split(".")
    for i, part in enumerate(parts):
        if value is None:
            return None
        if not isinstance(value, dict) or part not in value:
            above = f" of {'.'.join(parts[:i])!r}" if i else ""
            there = f"has: {listed(value)}" if isinstance(value, dict) else f"is {shown(value)}"
            raise row.error(
                f"the column {part!r}{above}, which attribute {attribute.name!r} reads, is missing (it {there}); "
                "correct the data or the attribute's column"
            )
        value = value[part]
    return value


def _as_category(value: Any, row: Row, attribute: Attribute) -> str:
    """A text as it is, a number or true/false as its JSON; empty for no answer."""
    if value is None:
        return ""
    if isinstance(value, dict):
        example = f"{attribute.column}.{next(iter(value), 'name')}"
        raise row.error(
            f"{attribute.column} holds an object; attribute {attribute.name!r} needs one of its values: "
            f"write column = {example!r} or another of: {listed(value)}"
        )
    if isinstance(value, list):
        raise row.error(f"{attribute.column} holds a list; attribute {attribute.name!r} needs a single value")
    return value.strip() if isinstance(value, str) else json.dumps(value, default=str)
