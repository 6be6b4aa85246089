"""The shape of events: which fields each kind has and of which type, in a language small enough to ship.

    "int" "num" "str" "hash" "bool" "any"
    ["list", X]  ["map", X]  ["tuple", X, Y]  ["or", X, Y]  ["one of", value, …]
    {"field": X, "field?": Y}        the second one may be absent; nothing else may be there

Integers lie within ±(2^53 − 1) and numbers are finite, as in every payload that the writer can write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

from core.facts.canonical import LARGEST_INTEGER
from core.facts.chain import SHA256_HEX

Shape = Any
"""A shape as the text above writes it."""

A_HASH = re.compile(SHA256_HEX)


def misfit(value: Any, shape: Shape, where: str = "") -> str | None:
    """Why a value does not have a shape, as a sentence; None where it has."""
    if isinstance(shape, str):
        return _misfit_plain(value, shape, where)
    if isinstance(shape, dict):
        return _misfit_fields(value, shape, where)
    what, *parts = shape
    if what == "one of":
        fits = any(alike(value, part) for part in parts)
        return None if fits else f"{where} is none of {', '.join(map(str, parts))}"
    if what == "or":
        found = [misfit(value, part, where) for part in parts]
        return None if None in found else found[0]
    if what == "map":
        if not isinstance(value, dict):
            return f"{where} is no table"
        return _first(misfit(inner, parts[0], f"{where}[{key[:40]!r}]") for key, inner in value.items())
    if not isinstance(value, list) or (what == "tuple" and len(value) != len(parts)):
        return f"{where} is no list" if what == "list" else f"{where} is no list of {len(parts)}"
    if what == "list":
        return _first(misfit(inner, parts[0], f"{where}[{i}]") for i, inner in enumerate(value))
    return _first(
        misfit(inner, part, f"{where}[{i}]") for i, (inner, part) in enumerate(zip(value, parts, strict=True))
    )


def _misfit_plain(value: Any, shape: str, where: str) -> str | None:
    if shape == "str":
        return None if isinstance(value, str) else f"{where} is no text"
    if shape == "hash":
        return None if isinstance(value, str) and A_HASH.fullmatch(value) else f"{where} is no SHA-256"
    whole = isinstance(value, int) and not isinstance(value, bool) and -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    if shape == "int":
        return None if whole else f"{where} is no integer within ±(2^53 − 1)"
    if shape == "num":
        return None if whole or (isinstance(value, float) and math.isfinite(value)) else f"{where} is no number"
    if shape == "bool":
        return None if isinstance(value, bool) else f"{where} is neither true nor false"
    return None


def _misfit_fields(value: Any, shape: dict[str, Shape], where: str) -> str | None:
    if not isinstance(value, dict):
        return f"{where} is no table of named fields" if where else "it is no table of named fields"
    inside = f"{where}." if where else ""
    known = set()
    for name, inner in shape.items():
        field = name[:-1] if name.endswith("?") else name
        known.add(field)
        if field in value:
            if inner == "str" and type(value[field]) is str:
                continue  # most fields; putting the place together for a sentence would take longer than looking
            wrong = misfit(value[field], inner, inside + field)
            if wrong is not None:
                return wrong
        elif field == name:
            return f"{inside}{field} is missing"
    unknown = [key for key in value if key not in known]
    return f"there is no field {(inside + unknown[0])[:80]!r}" if unknown else None


def alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: numbers as numbers (1.0 is written `1`), and true, "1" and 1 never."""
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def known_part(value: Any, shape: Shape) -> Any:
    """A value without the fields that its shape does not name, at any depth."""
    if isinstance(shape, dict) and isinstance(value, dict):
        inner = {name.removesuffix("?"): part for name, part in shape.items()}
        return {key: known_part(value[key], inner[key]) for key in value if key in inner}
    if isinstance(shape, (str, dict)):
        return value
    what, *parts = shape
    if what == "or":
        candidates = [known_part(value, part) for part in parts]
        return next((c for c, part in zip(candidates, parts, strict=True) if misfit(c, part) is None), value)
    if what == "map" and isinstance(value, dict):
        return {key: known_part(one, parts[0]) for key, one in value.items()}
    if what == "list" and isinstance(value, list):
        return [known_part(one, parts[0]) for one in value]
    if what == "tuple" and isinstance(value, list) and len(value) == len(parts):
        return [known_part(one, part) for one, part in zip(value, parts, strict=True)]
    return value


def without(shape: Shape, absent: Collection[str]) -> Shape:
    """The shape of an event some of whose fields are not here."""
    return {name: part for name, part in shape.items() if name.removesuffix("?") not in absent} if absent else shape


def _first(found: Any) -> str | None:
    return next((wrong for wrong in found if wrong is not None), None)
