"""Conditions over several draws: one [[conditions]] of a file stands for one condition for each draw that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

OVER_DRAWS = "draws:"
_PREFIX = re.compile(r"[a-z0-9_][a-z0-9_-]*\*", re.ASCII)
_LONGEST_NAME = 40


def with_members(values: dict[str, Any], origins: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """A configuration's values with a condition for each draw in place of every one over `draws:<beginning>*`.

    Each is named after the condition and its draw, and its family is the condition's name. What is misshapen stays as
    it is, for whoever checks the values.

    Args:
        origins: of every value by its key; those of a condition go to all that it stands for.

    Raises:
        ValueError: no draw's id begins so, or a name becomes too long.
    """
    listed = values.get("conditions")
    if not isinstance(listed, list) or not any(map(_over_draws, listed)):
        return values, dict(origins)
    draws = values.get("draws")
    ids = [draw.get("id") for draw in draws if isinstance(draw, dict)] if isinstance(draws, list) else []
    conditions: list[Any] = []
    moved = {key: origin for key, origin in origins.items() if not key.startswith("conditions.")}
    for number, section in enumerate(listed):
        above = f"conditions.{number}."
        own = {key[len(above) :]: origin for key, origin in origins.items() if key.startswith(above)}
        if _over_draws(section):
            own["family"] = own.get("name", "file")
        for member in _members(section, [name for name in ids if isinstance(name, str)]):
            moved |= {f"conditions.{len(conditions)}.{key}": origin for key, origin in own.items()}
            conditions.append(member)
    return {**values, "conditions": conditions}, moved


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
