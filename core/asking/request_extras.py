"""What a configuration adds to every request of a judge: fields of its body, and headers. Both stand in the record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.facts.canonical import LARGEST_INTEGER
from core.facts.places import PLACE_KEYS, place_name

OWN_FIELDS = (
    "model",
    "messages",
    "seed",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "stream",
    "n",
)
"""What every request says by itself."""

DEEPEST = 16
"""Tables and lists that may stand in each other."""

_SECRET_FIELD = re.compile(r"api[-_]?key|secret|password|authorization", re.I)
_SECRET_HEADER = re.compile(r"key|token|secret|password|credential|cookie|authorization|(?:^|[-_])auth(?:$|[-_])", re.I)
_SECRET_VALUE = re.compile(r"\s*(?:bearer\s|basic\s|sk-)", re.I)
_FRAMING = ("host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNRECORDED = re.compile("[\0\ud800-\udfff]")
_KEY_PLACE = "the record shows it; a key belongs into a variable of the environment that key_env of an endpoint names"


def checked_body(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    """The fields as JSON has them, in one form that a record gives back as it is: 1.0 is 1, as in every payload.

    Raises:
        ValueError: says which field no request can have, or no record can hold.
    """
    for name in fields or ():
        if name in OWN_FIELDS:
            raise ValueError(f"{name} is set by every request itself, so it cannot stand here; remove it")
    return {name: _plain(value, name, 1) for name, value in fields.items()} if fields else None


def _plain(value: Any, where: str, depth: int) -> Any:
    name = where.rpartition(".")[2]
    if _SECRET_FIELD.search(name):
        raise ValueError(f"{where} looks like a secret, and {_KEY_PLACE}")
    if _UNRECORDED.search(f"{where}{value if isinstance(value, str) else ''}"):
        raise ValueError(f"{where!r} holds a character that no record can hold; leave it out")
    if name == "sha256" or depth > DEEPEST:
        raise ValueError(f"{where} cannot be recorded ({'its name is taken' if name == 'sha256' else 'too deep'})")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, f"{where}.{key}", depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, where, depth + 1) for inner in value]
    if isinstance(value, str):
        if name in PLACE_KEYS and place_name(value) != value:
            raise ValueError(f"{where} is a path in full, and the record holds names of files alone; leave it out")
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number(value, where)
    raise ValueError(f"{where} is nothing that JSON can say; write it as text, number, boolean, list or table")


def _number(value: int | float | Decimal, where: str) -> int | float:
    number = value if isinstance(value, int) else float(value)
    if not abs(number) <= LARGEST_INTEGER:  # nor NaN
        raise ValueError(f"{where} is no number within ±(2^53 − 1), so no record can hold it; write it as text")
    return int(number) if number == int(number) else number


def checked_headers(headers: dict[str, str] | None) -> dict[str, str] | None:
    """The headers, where requests can carry them and a record may show them.

    Raises:
        ValueError: says which is wrong, and never shows what it holds.
    """
    names = [name.lower() for name in headers or ()]
    for name, value in (headers or {}).items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header; take letters, digits and '-'")
        if names.count(name.lower()) > 1:
            raise ValueError(f"{name} is given twice; names of headers are the same in capitals")
        if _SECRET_HEADER.search(name) or _SECRET_VALUE.match(value):
            raise ValueError(f"{name} looks like a secret, and {_KEY_PLACE}")
        if name.lower() in _FRAMING:
            raise ValueError(f"{name} is set by every request itself, so it cannot stand here; remove it")
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            raise ValueError(f"the value of {name} is no line of plain characters, so no request can carry it")
    return headers or None
