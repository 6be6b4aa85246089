"""`docs/events.md`, the catalogue of events, written from the classes in `core/events/`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from core.events import EVENTS, SCHEMA_VERSION, Event, Part, digest
from core.facts.chain import CHAIN_DOMAIN

_HEAD = f"""# The catalogue of events

Schema version {SCHEMA_VERSION}; SHA-256 of the shapes of all events:
`{{shapes}}`.
This page is generated from `core/events/` by `make events`; a test keeps it current.

A run's record is one table, `events(seq, at, stage, kind, payload, prev, hash)`. `at` is UTC; `payload` is
RFC 8785 canonical JSON; `hash` is SHA-256 over domain, `prev`, `seq`, `at`, `stage`, `kind` and `payload`, each
after its length in bytes as an 8-byte big-endian integer (numbers as decimal text). The domain is
`{CHAIN_DOMAIN}`, and `prev` of the first event is 64 zeros.

An event that belongs to a unit of work also holds `unit` (its key) and `attempt` (from 1). Events of a unit count
only where `unit.completed` was recorded for the same attempt; a unit redone after a crash is recorded again.

Lengths of time are seconds. Seeds, numerators over 2^53 and decimal targets are strings. A number that JSON
cannot hold is "nan", "inf" or "-inf". *Volatile* fields may differ between two runs that are otherwise the same.
Optional fields are left out where they have no value.

*Sealed* fields stand in a text beside the event, a JSON object with a `salt`, which `sealed` names for each part by its
SHA-256; what a redaction withholds with it is in [audit.md](audit.md).
"""


def catalogue() -> str:
    """The page as Markdown."""
    parts = [_HEAD.replace("{shapes}", shapes_digest()), "## Kinds\n"]
    for kind, event in EVENTS.items():
        parts.append(f"### `{kind}`\n\n{(event.__doc__ or '').strip()}\n\n{_fields(event)}")
    parts.append("## Parts of events\n")
    for part in sorted(Part.__subclasses__(), key=lambda part: part.__name__):
        parts.append(f"### {part.__name__}\n\n{(part.__doc__ or '').strip()}\n\n{_fields(part)}")
    return "\n".join(parts)


def shapes_digest() -> str:
    """SHA-256 over kinds, fields and their types, so that none changes unnoticed; words do not count."""
    shapes = {kind: _without_words(event.model_json_schema()) for kind, event in EVENTS.items()}
    return digest(json.dumps(shapes, sort_keys=True).encode())


def _without_words(schema: Any) -> Any:
    if isinstance(schema, dict):
        words = ("description", "title") if "type" in schema or "$ref" in schema or "anyOf" in schema else ()
        return {name: _without_words(inner) for name, inner in schema.items() if name not in words}
    return [_without_words(inner) for inner in schema] if isinstance(schema, list) else schema


def _fields(model: type[Event] | type[Part]) -> str:
    rows = ["| field | type | what it holds |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        marked = extra if isinstance(extra, dict) else {}
        told = field.description or name.replace("_", " ")
        told += f" (*sealed: {marked['sealed']}*)" if "sealed" in marked else ""
        told += " (*volatile*)" if marked.get("volatile") else ""
        rows.append(f"| `{name}` | {_type(field.annotation)} | {_escaped(told)} |")
    return "\n".join(rows) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "&#124;").replace("<", "&lt;")


def _type(annotation: Any) -> str:
    """A type as a reader of JSON would call it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return " or ".join(f'"{value}"' for value in inner)
    if origin in (Union, UnionType):
        if "nan" in str(annotation):
            return "number" + (", optional" if NoneType in inner else "")
        return " or ".join(_type(part) for part in inner if part is not NoneType) + (
            ", optional" if NoneType in inner else ""
        )
    if origin in (list, dict, tuple):
        return f"{_JSON[origin]} of {', '.join(_type(part) for part in inner)}"
    return _JSON.get(annotation, getattr(annotation, "__name__", str(annotation)))


_JSON: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "true or false",
    list: "list",
    dict: "object",
    tuple: "list",
    Any: "any value",
}


def main() -> None:
    """Writes the page to the path given."""
    Path(sys.argv[1]).write_text(catalogue(), encoding="utf-8")


if __name__ == "__main__":
    main()
