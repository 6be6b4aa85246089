"""The fields of a configuration as rows of a form: every key there is, its value, where that is from, what it means."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.complaints import Complaint, model_inside
from core.config import RunConfig
from core.config_file import Given, parse_override


@dataclass(frozen=True)
class FieldRow:
    """A section or a value.

    written is the value as `--set` takes it, "" where there is none; origin is `file`, `clone`, `demo`, `set` or
    `default`;
    told says what it means, options are what it can be where that is a list of words.
    """

    key: str
    kind: Literal["section", "value"]
    written: str
    origin: str
    told: str
    options: tuple[str, ...] = ()
    wrong: str = ""
    inside: tuple[str, ...] = ()
    """The keys that an absent section would have."""
    nameable: bool = True
    """Whether `--set` can name it: a dot inside a name would part it."""


def rows_of(given: Given, config: RunConfig | None, complaints: typing.Sequence[Complaint] = ()) -> list[FieldRow]:
    """All rows, section by section; of values that are wrong as they were given, where `config` is None."""
    values = given.values if config is None else config.model_dump()
    wrong = {complaint.key: complaint.told for complaint in complaints}
    rows = list(_rows(RunConfig, values, "", given.origins, wrong))
    known = {row.key for row in rows}
    unknown = [c for c in complaints if c.key and c.key not in known]
    return [*rows, *(FieldRow(c.key, "value", "", _origin(c.key, given.origins), "", (), c.told) for c in unknown)]


def known_keys(rows: typing.Sequence[FieldRow]) -> tuple[str, ...]:
    """Every key that a value can be given for, those inside of sections that are absent too."""
    return tuple(key for row in rows for key in (row.inside or (row.key,)) if row.kind == "value" or row.inside)


def _keys_of(model: type[BaseModel], above: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = model_inside(field.annotation)
        if inner is None:
            yield f"{above}{name}"
        elif not _is_list(field.annotation):
            yield from _keys_of(inner, f"{above}{name}.")


def _rows(
    model: type[BaseModel], values: Mapping[str, Any], above: str, origins: Mapping[str, str], wrong: Mapping[str, str]
) -> Iterator[FieldRow]:
    """The rows of a section: its values first, and then the sections inside of it."""
    fields = list(model.model_fields.items())
    for name, field in (*(f for f in fields if not _section(f[1])), *(f for f in fields if _section(f[1]))):
        key, value = f"{above}{name}", values.get(name, _default(field))
        inner = model_inside(field.annotation)
        if inner is None:
            yield from _values(key, value, field, field.description or _about(model), origins, wrong)
        elif _is_list(field.annotation):
            entries = value if isinstance(value, list | tuple) else []
            yield _heading(key, inner, field, bool(entries), origins, wrong)
            for index, entry in enumerate(entries):
                yield FieldRow(f"{key}.{index}", "section", _name(entry), "", "", (), wrong.get(f"{key}.{index}", ""))
                if isinstance(entry, Mapping):
                    yield from _rows(inner, entry, f"{key}.{index}.", origins, wrong)
        else:
            yield _heading(key, inner, field, isinstance(value, Mapping), origins, wrong)
            if isinstance(value, Mapping):
                yield from _rows(inner, value, f"{key}.", origins, wrong)


def _heading(
    key: str,
    model: type[BaseModel],
    field: FieldInfo,
    there: bool,
    origins: Mapping[str, str],
    wrong: Mapping[str, str],
) -> FieldRow:
    told = field.description or _about(model)
    origin = "" if there else _origin(key, origins)
    inside = () if there else (key,) if _is_list(field.annotation) else tuple(_keys_of(model, f"{key}."))
    return FieldRow(key, "section", "" if there else "absent", origin, told, (), wrong.get(key, ""), inside)


def _values(
    key: str, value: Any, field: FieldInfo, told: str, origins: Mapping[str, str], wrong: Mapping[str, str]
) -> Iterator[FieldRow]:
    """One row; of a mapping one for each of its keys, as `--set` names them."""
    options = _options(field.annotation)
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            for row in _values(f"{key}.{name}", inner, field, told, origins, wrong):
                yield row if "." not in str(name) else replace(row, nameable=False)
        return
    found = wrong.get(key) or next((said for place, said in wrong.items() if place.startswith(f"{key}.")), "")
    yield FieldRow(key, "value", written(value), _origin(key, origins), told, options, found)


def _origin(key: str, origins: Mapping[str, str]) -> str:
    return origins.get(key, "default")


def _section(field: FieldInfo) -> bool:
    return model_inside(field.annotation) is not None


def _about(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _name(entry: Any) -> str:
    """What an entry of a list is called, where it says so."""
    named = entry if isinstance(entry, Mapping) else {}
    return next((str(named[key]) for key in ("name", "id", "label", "model") if named.get(key)), "")


def _default(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    return value.model_dump() if isinstance(value, BaseModel) else value


def _is_list(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return origin in (tuple, list) or any(_is_list(inner) for inner in typing.get_args(annotation))


def _options(annotation: Any) -> tuple[str, ...]:
    """The words that a value can be."""
    if annotation is bool:
        return ("true", "false")
    if typing.get_origin(annotation) is Literal:
        return tuple(str(option) for option in typing.get_args(annotation))
    if typing.get_origin(annotation) in (tuple, list, dict):
        return ()
    return tuple(option for inner in typing.get_args(annotation) for option in _options(inner))


def written(value: Any) -> str:
    """A value as `--set` takes it: a text as it stands where nothing else is meant by it, else as TOML."""
    if isinstance(value, str | PurePath):
        text = str(value)
        return text if _means_itself(text) else _toml(text)
    return "" if value is None else _toml(value)


def _means_itself(text: str) -> bool:
    if not text.isprintable() or text != text.strip() or not text:
        return False
    return parse_override(f"key={text}")[1] == text


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(key))} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(map(_toml, value)) + "]"
    signs = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(signs.get(c, c if c.isprintable() else f"\\U{ord(c):08X}") for c in str(value)) + '"'
