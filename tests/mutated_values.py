"""Changing a value of an event by nothing but its type, so that a new field is changed without anybody thinking of it.

The classes of `core/events` say what a field is; a lie about it is another value of the same type: one that nobody
wrote, the one that another event of the kind has, or none where it may be absent.
"""

from __future__ import annotations

import copy
import random
import re
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from core.events import EVENTS, Artifact, Text, digest
from core.events.base import Sha256

ABSENT: Any = object()
"""Stands for a field that is not there."""

Lie = tuple[str, Any]
"""What becomes of a value, in words, and the new one."""

FIGURES = re.compile(r"-?[0-9]+")
HEX = re.compile(r"[0-9a-f]{8,}")


@dataclass
class Beside:
    """What has to lie beside an event so that its lie is whole: texts, and files below `artifacts/`.

    Attributes:
        read: the body of an artifact by its SHA-256.
    """

    read: Callable[[str], bytes]
    texts: list[bytes] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """A value inside an event: the way to it, its type, and its name, in which entries of lists and tables are []."""

    path: tuple[Any, ...]
    type: Any
    name: str

    def read(self, values: Any) -> Any:
        """The value there; `ABSENT` where there is none."""
        for key in self.path:
            try:
                values = values[key]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return values

    def write(self, values: Any, new: Any) -> None:
        """Puts another value there."""
        for key in self.path[:-1]:
            values = values[key]
        if new is ABSENT:
            del values[self.path[-1]]
        else:
            values[self.path[-1]] = new


def a_place(rng: random.Random, kind: str, values: dict[str, Any]) -> Place:
    """Some value of an event; of its fields, absent ones among them, each is as likely as any other."""
    place = Place((), EVENTS[kind], "")
    while True:
        value = place.read(values)
        inner = [] if value is ABSENT else _inside(rng, place, value)
        if not inner or (place.path and not _is_part(_arm(place.type, value)) and rng.random() < 0.4):
            return place
        place = rng.choice(inner)


def _inside(rng: random.Random, place: Place, value: Any) -> list[Place]:
    """What is inside a value: the fields of a part, one entry of a list or a table."""
    plain = _arm(place.type, value)
    if _is_part(plain):
        dot = "." if place.name else ""
        fields = {name: info.annotation for name, info in plain.model_fields.items()}
        return [Place((*place.path, name), kind, f"{place.name}{dot}{name}") for name, kind in fields.items()]
    if not value or plain in (Text, Artifact) or not isinstance(value, dict | list):
        return []
    parts, key = get_args(plain), rng.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
    if plain is Any:
        return [Place((*place.path, key), Any, f"{place.name}[]")]
    part = parts[1] if isinstance(value, dict) else parts[key] if get_origin(plain) is tuple else parts[0]
    return [Place((*place.path, key), part, f"{place.name}[]")]


def _is_part(plain: Any) -> bool:
    return isinstance(plain, type) and issubclass(plain, BaseModel) and plain not in (Text, Artifact)


def _arm(kind: Any, value: Any = ABSENT) -> Any:
    """The alternative of a type that a value is of; the first one where there is no value."""
    if get_origin(kind) is Annotated:
        return _arm(get_args(kind)[0], value)
    if get_origin(kind) in (Union, types.UnionType):
        arms = [arm for arm in get_args(kind) if arm is not type(None)]
        return _arm(next((arm for arm in arms if _fits(arm, value)), arms[0]), value)
    return kind


def _fits(kind: Any, value: Any) -> bool:
    plain = get_origin(kind) or kind
    if plain is Literal:
        return value in get_args(kind)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return isinstance(value, dict)
    if plain in (int, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(plain, type) and isinstance(value, plain)


def lies(
    rng: random.Random, place: Place, values: dict[str, Any], others: Sequence[dict[str, Any]], beside: Beside
) -> list[Lie]:
    """Every other value that a liar may put there; `others` are further events of the kind."""
    value = place.read(values)
    if value is ABSENT:
        new = _invented(place.type, beside)
        return [] if new is ABSENT else [("put in", new)]
    found = _of_its_type(rng, _arm(place.type, value), value, beside)
    if type(None) in get_args(place.type) or place.type is Any or place.name.endswith("[]"):
        found.append(("left out", ABSENT))
    if len(place.path) == 1 and type(None) not in get_args(place.type):
        found.append(("left out", ABSENT))
    there = [other for other in map(place.read, others) if other is not ABSENT and other != value]
    if there:
        found.append(("as in another event", copy.deepcopy(rng.choice(there))))
    return [(what, new) for what, new in found if new is ABSENT or new != value]


def _of_its_type(rng: random.Random, plain: Any, value: Any, beside: Beside) -> list[Lie]:
    if plain is Text:
        return [("another text", _text(f"another text {rng.random()}".encode(), beside))]
    if plain is Artifact:
        return [("another file", _file(rng, value, beside))]
    if get_origin(plain) is Literal:
        return [("another of its words", rng.choice([word for word in get_args(plain) if word != value]))]
    if isinstance(value, bool):
        return [("the opposite", not value)]
    if isinstance(value, int):
        return [("one more", value + 1), ("one less", value - 1), ("doubled", value * 2), ("zero", 0)]
    if isinstance(value, float):
        near = [("a little more", value * (1 + 2**-20)), ("halved", value / 2), ("one more", value + 1), ("zero", 0.0)]
        return [*near, ("no number", "nan")] if plain is not Any else near
    if isinstance(value, str):
        return [("another text", _other_text(rng, value))]
    if isinstance(value, list):
        return _other_lists(rng, plain, value, beside)
    if isinstance(value, dict):
        return _other_tables(rng, plain, value, beside)
    return []


def _other_text(rng: random.Random, value: str) -> str:
    if HEX.fullmatch(value) or FIGURES.fullmatch(value):
        at = rng.randrange(len(value.lstrip("-"))) + (value[0] == "-")
        return value[:at] + rng.choice([c for c in "123456789" if c != value[at]]) + value[at + 1 :]
    return f"{value}x"


def _other_lists(rng: random.Random, plain: Any, value: list[Any], beside: Beside) -> list[Lie]:
    part = get_args(plain)[0] if get_origin(plain) is list else Any
    new = _invented(part, beside)
    found: list[Lie] = [("emptied", [])] + ([] if new is ABSENT else [("an entry more", [*value, new])])
    if value:
        at = rng.randrange(len(value))
        found += [
            ("an entry less", value[:at] + value[at + 1 :]),
            ("an entry twice", [*value[: at + 1], copy.deepcopy(value[at]), *value[at + 1 :]]),
            ("turned round", value[::-1]),
        ]
    return found


def _other_tables(rng: random.Random, plain: Any, value: dict[str, Any], beside: Beside) -> list[Lie]:
    part = get_args(plain)[1] if get_args(plain) else Any
    found: list[Lie] = [("an entry more", value | {"invented": _invented(part, beside)}), ("emptied", {})]
    if value:
        name = rng.choice(sorted(value))
        rest = {key: inner for key, inner in value.items() if key != name}
        found += [("an entry less", rest), ("an entry renamed", rest | {f"{name}x": value[name]})]
    return found


def _invented(kind: Any, beside: Beside) -> Any:
    """A value of a type that nothing else says anything of."""
    plain = _arm(kind)
    if Sha256 in (kind, *get_args(kind)):
        return digest(b"invented")
    if plain is Text:
        return _text(b"an invented text", beside)
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if plain is Any:
        return "invented"
    if plain in (str, int, float, bool):
        return {str: "invented", int: 1, float: 0.5, bool: True}[plain]
    if get_origin(plain) in (list, dict):
        return get_origin(plain)()
    if _is_part(plain):
        fields = {name: info for name, info in plain.model_fields.items() if info.is_required()}
        return {name: _invented(info.rebuild_annotation(), beside) for name, info in fields.items()}
    return ABSENT


def _text(body: bytes, beside: Beside) -> dict[str, Any]:
    beside.texts.append(body)
    return {"sha256": digest(body)}


def _file(rng: random.Random, value: dict[str, Any], beside: Beside) -> dict[str, Any]:
    """The same file with one figure changed, under the name that it then has."""
    body = bytearray(beside.read(value["sha256"]))
    figures = [at for at, byte in enumerate(body) if 0x31 <= byte <= 0x38]
    if figures:
        body[rng.choice(figures)] += 1
    else:
        body += b"\n"
    beside.files.append(bytes(body))
    return {**value, "sha256": digest(bytes(body)), "bytes": len(body)}
