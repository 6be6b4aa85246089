"""What this version of the program writes, for whoever checks a record: kinds and their fields, tables, views."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from core.errors import InputError
from core.facts.chain import SHA256_HEX
from core.facts.formats import SCHEMA_VERSION
from core.program.provenance import program_version
from storage.record.schema import FORMAT, RELEASED_VIEWS, TABLES, VIEWS
from storage.verifier.ground.reading import text_digest
from storage.verifier.ground.record import WriterFacts
from storage.verifier.ground.shapes import Shape


@cache
def schema_facts() -> WriterFacts:
    """What a schema is compared with: nothing of events and configurations."""
    return WriterFacts(
        program=program_version(),
        version=SCHEMA_VERSION,
        objects={name: text_digest(sql) for name, sql in FORMAT.items()},
        views=VIEWS,
        released=RELEASED_VIEWS,
        tables=TABLES,
        kinds={},
        sealed={},
        config={},
    )


@cache
def tree_facts() -> WriterFacts:
    """What this version of the program writes."""
    from core.config import RunConfig  # pydantic's classes take longer to load than most records to read
    from core.events import EVENTS

    return replace(
        schema_facts(),
        kinds={kind: shape_of(event.model_json_schema()) for kind, event in EVENTS.items()},
        sealed={kind: event.sealed_fields() for kind, event in EVENTS.items() if event.sealed_fields()},
        config=_with_any_word(shape_of(RunConfig.model_json_schema())),
    )


def _with_any_word(shape: Shape) -> Shape:
    """A shape without its lists of words: a method, say, is added without a new version of the format."""
    if isinstance(shape, dict):
        return {name: _with_any_word(inner) for name, inner in shape.items()}
    if isinstance(shape, list):
        return "any" if shape[0] == "one of" else [shape[0], *map(_with_any_word, shape[1:])]
    return shape


def shape_of(schema: dict[str, Any]) -> Shape:
    """The shape that a JSON Schema of pydantic's stands for (`storage.verifier.ground.shapes`).

    Raises:
        InputError: the schema uses something that shapes cannot say.
    """
    return _shape(schema, schema.get("$defs", {}))


def _shape(schema: dict[str, Any], known: dict[str, Any]) -> Shape:
    if "$ref" in schema:
        return _shape(known[schema["$ref"].rpartition("/")[2]], known)
    if len(schema.get("allOf", ())) == 1:  # how pydantic before 2.9 wraps the reference of a field with a default
        return _shape(schema["allOf"][0], known)
    if "anyOf" in schema:
        shapes = [_shape(part, known) for part in schema["anyOf"] if part.get("type") != "null"]
        return shapes[0] if len(shapes) == 1 else ["or", *shapes]
    if "enum" in schema or "const" in schema:
        return ["one of", *schema.get("enum", [schema.get("const")])]
    if schema.get("pattern") == f"^{SHA256_HEX}$":
        return "hash"
    plain = {"integer": "int", "number": "num", "string": "str", "boolean": "bool", None: "any"}
    kind = schema.get("type")
    if kind in plain:
        return plain[kind]
    if kind == "array":
        if "prefixItems" in schema:
            return ["tuple", *(_shape(part, known) for part in schema["prefixItems"])]
        return ["list", _shape(schema["items"], known)]
    if (kind == "object" and "properties" in schema) or schema.get("additionalProperties") is False:
        required = schema.get("required", [])
        fields = schema.get("properties", {}).items()
        return {name if name in required else f"{name}?": _shape(part, known) for name, part in fields}
    if kind == "object":
        inner = schema.get("additionalProperties", True)
        return ["map", "any" if inner is True else _shape(inner, known)]
    raise InputError(f"the fields of an event use {kind!r}, which the stand-alone verifier cannot check")
