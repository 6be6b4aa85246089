"""How an event becomes text, and an event again: canonical JSON (RFC 8785); and the texts that stand beside events."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from core.facts.canonical import canonical_text
from core.facts.chain import SHA256_HEX
from storage.errors import StorageError

_SHA256 = re.compile(SHA256_HEX)
_NOT_SHOWABLE = re.compile("[\0\ud800-\udfff]")


def now() -> str:
    """UTC with microseconds, sortable as text."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(payload: Mapping[str, Any]) -> str:
    """RFC 8785 JSON of a payload.

    NUL and lone surrogates in its strings become U+FFFD: texts that must be exact are blobs.

    Raises:
        ValueError: an integer beyond ±(2^53 − 1), NaN or an infinity.
    """
    return canonical_text(_showable(payload))


def _showable(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_SHOWABLE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {_showable(key): _showable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_showable(inner) for inner in value]
    return value


def parse(payload: str) -> tuple[dict[str, Any], tuple[str, int] | None]:
    """A stored payload without its envelope, and the (unit, attempt) it was recorded for.

    Raises:
        ValueError: the payload is no JSON object, or is nested too deeply.
    """
    try:
        values = json.loads(payload)
    except RecursionError:
        raise ValueError("the payload is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("the payload is no JSON object")
    unit, attempt = values.pop("unit", None), values.pop("attempt", None)
    return values, None if unit is None else (unit, attempt)


def artifacts_in(value: Any) -> Iterator[str]:
    """Names of the artifacts below a JSON value: only what can name a file, for a record may be somebody else's."""
    from core.events import Artifact

    if isinstance(value, dict):
        if value.keys() == Artifact.model_fields.keys() and _SHA256.fullmatch(str(value["sha256"])):
            yield str(value["sha256"])
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from artifacts_in(inner)


def is_whole(name: object, body: object) -> bool:
    """Whether a blob is what it is named by; a changed byte of the file may change the type of its body, too."""
    return isinstance(body, bytes) and hashlib.sha256(body).hexdigest() == name


def exact_text(name: str, body: Any) -> str:
    """The text of a blob, exactly.

    Raises:
        StorageError: it was changed.
    """
    from core.events import decode_text

    if not is_whole(name, body):
        raise StorageError(f"the text {name[:12]}… was changed; run `dempo verify`")
    return decode_text(body)
