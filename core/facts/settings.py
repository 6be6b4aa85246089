"""How the values of a configuration are named: by the path to each, with dots, entries of lists by their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


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
