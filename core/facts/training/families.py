"""Conditions over several draws: one [[conditions]] of a file stands for one condition for each draw that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

OVER_DRAWS = "draws:"
_PREFIX = re.compile(r"[a-z0-9_][a-z0-9_-]*\*", re.ASCII)
_LONGEST_NAME = 40


def with_members(values: dict[str, Any]) -> dict[str, Any]:
    """A file's values with a condition for each draw in place of every one over `draws:<beginning>*`.

    Each is named after the condition and its draw, and its family is the condition's name. What is misshapen stays as
    it is, for whoever checks the values.

    Raises:
        ValueError: no draw's id begins so, or a name becomes too long.
    """
    listed = values.get("conditions")
    if not isinstance(listed, list):
        return values
    draws = values.get("draws")
    ids = [draw.get("id") for draw in draws if isinstance(draw, dict)] if isinstance(draws, list) else []
    names = [name for name in ids if isinstance(name, str)]
    return {**values, "conditions": [member for section in listed for member in _members(section, names)]}


def _over_draws(section: Any) -> bool:
    return isinstance(section, dict) and str(section.get("source")).startswith(OVER_DRAWS)


def _members(section: Any, ids: list[str]) -> Iterator[Any]:
    """The conditions that a section stands for: itself, or one for each draw."""
    if not _over_draws(section):
        yield section
        return
    source, named = section["source"], section.get("name")
    pattern = source[len(OVER_DRAWS) :]
    if not _PREFIX.fullmatch(pattern):
        told = "needs how the ids of its draws begin, and then *, as in 'draws:main*'"
        raise ValueError(f"condition {named!r}: source {source!r} {told}")
    if "family" in section:
        raise ValueError(f"condition {named!r}: the family of conditions over several draws is its name; remove family")
    found = [name for name in ids if name.startswith(pattern[:-1])]
    if not found:
        known = ", ".join(map(repr, ids)) or "there is none"
        raise ValueError(f"condition {named!r}: no draw begins as {source!r} says (defined: {known})")
    for draw in found:
        name = f"{named}-{draw}"
        if len(name) > _LONGEST_NAME:
            raise ValueError(f"condition {name!r}, of {source!r}, has a name of more than {_LONGEST_NAME} characters")
        yield {**section, "name": name, "source": f"draw:{draw}", "family": named}
