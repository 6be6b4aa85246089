"""Places on a machine stay out of what a record shows: the names of files stand in the configuration, their folders in
a sealed part. Keys of stages and checks go by the names, for what a file held is recorded by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLACE_KEYS = (
    "path",
    "respondents",
    "quotas",
    "responses",
    "constitution",
    "questions",
    "model",
    "recorded",
    "secret_file",
    "source",
    "gold",
    "published",
    "prompt",
)
"""Settings that may be a path in full; a condition's source has one behind its kind."""

_KINDS_OF_SOURCES = ("answers:", "model:")


def apart(value: str) -> tuple[str, str]:
    """What stands before the path of a condition's source ("answers:", "model:"; else nothing), and the rest."""
    kind = next((kind for kind in _KINDS_OF_SOURCES if value.startswith(kind)), "")
    return kind, value[len(kind) :]


def place_name(value: str) -> str:
    """What is shown of a path in full; anything else as it is."""
    kind, path = apart(value)
    return kind + path.rstrip("/").rpartition("/")[2] if path.startswith("/") else value


def without_places(values: Any, places: dict[str, str], where: str = "", key: str = "") -> Any:
    """Settings with the names of files alone; notes each path in full under the keys that lead to it."""
    if isinstance(values, Mapping):
        return {
            name: without_places(inner, places, f"{where}.{name}" if where else name, name)
            for name, inner in values.items()
        }
    if isinstance(values, list):
        return [without_places(inner, places, f"{where}.{i}", "") for i, inner in enumerate(values)]
    if key in PLACE_KEYS and isinstance(values, str) and place_name(values) != values:
        places[where] = values
        return place_name(values)
    return values


def with_places(values: Any, places: Mapping[str, str], where: str = "") -> Any:
    """The inverse of `without_places`."""
    if isinstance(values, Mapping):
        return {
            name: with_places(inner, places, f"{where}.{name}" if where else name) for name, inner in values.items()
        }
    if isinstance(values, list):
        return [with_places(inner, places, f"{where}.{i}") for i, inner in enumerate(values)]
    return places.get(where, values)
