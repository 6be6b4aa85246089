"""How the values of a configuration are named: by the path to each, with dots, entries of lists by their number."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def settings_in(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, object]]:
    """Every value that is no section itself, with its name. A list is one value unless it holds sections."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from settings_in(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, inner in enumerate(value):
            yield from settings_in(inner, (*path, str(index)))
    else:
        yield ".".join(path), value


def with_changes(config: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A configuration after changes in their order; the one that was given stays as it is.

    Args:
        changes: as `settings.changed` records them: `key`, and `new` where the setting has a value afterwards.

    Raises:
        LookupError, TypeError, ValueError: a key leads through what is no section, or to an entry that no list has.
    """
    found: dict[str, Any] = copy.deepcopy(dict(config))
    for change in changes:
        *above, last = change["key"].split(".")
        place: Any = found
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if not isinstance(place, dict):
            raise TypeError(f"{change['key']} is no setting")
        if change.get("new") is None:
            place.pop(last, None)
        else:
            place[last] = change["new"]
    return found
