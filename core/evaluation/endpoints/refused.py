"""An error of an endpoint, wherever it stands: in the status of a response, or under status 200 in its body.

Routers send the latter once their own answer has begun: `{"error": {"code": 429, "message": …}}`, or a choice that
ended by an error. What it means does not depend on the place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.evaluation.endpoints.retry_after import wait_asked


@dataclass(frozen=True)
class Refused:
    """An error.

    `parameter` is what it names in a field of its own, `said` its words, as they came; `wait` the seconds after which
    it asks to come again.
    """

    status: int
    said: str
    code: str | None = None
    parameter: str | None = None
    wait: float | None = None


def by_status(error: Any) -> Refused:
    """What an `openai.APIStatusError` says."""
    inner = error.body if isinstance(error.body, dict) else {}
    return Refused(
        error.status_code,
        _said(error.body) or str(error.message or error),
        _text(error.code),
        _text(error.param),
        wait_asked(error.response.headers) or _wait_of_a_router(inner),
    )


def in_body(body: Any) -> Refused | None:
    """The error that a body with status 200 holds, with the status that it names; None where it holds none."""
    for holder in (body, _first(body)):
        error = holder.get("error") if isinstance(holder, dict) else None
        status = _status(error.get("code")) if isinstance(error, dict) else None
        if isinstance(error, dict) and status is not None:
            return Refused(status, _said(error), None, _text(error.get("param")), _wait_of_a_router(error))
    return None


def told(holder: Any) -> str:
    """What a body or a choice says of an error, in words; "" where it says nothing."""
    error = holder.get("error") if isinstance(holder, dict) else None
    return _said(error).strip()


def _first(body: Any) -> Any:
    """The first choice of a body."""
    choices = body.get("choices") if isinstance(body, dict) else None
    return choices[0] if isinstance(choices, list) and choices else None


def _status(code: Any) -> int | None:
    """The status of HTTP that a code is, also as a text; None where it is none of an error."""
    number = int(code) if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3 else code
    return number if isinstance(number, int) and 400 <= number < 600 else None


def _wait_of_a_router(error: Mapping[str, Any]) -> float | None:
    """How long an error asks to wait by the headers that it quotes of the endpoint behind it."""
    metadata = error.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    if not isinstance(headers, dict):
        return None
    return wait_asked({str(name).lower(): str(value) for name, value in headers.items()}, reset=True)


def _said(error: Any) -> str:
    """What an error says: in `message` or `detail`, which may hold more than a text, or by itself.

    A router has the words of the endpoint behind it beside its own.
    """
    if isinstance(error, str):
        return "" if error.lstrip().startswith("<") else error
    if not isinstance(error, dict):
        return ""
    said = error.get("message") or error.get("detail") or ""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    try:
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    except RecursionError:
        return ""
    return f"{text}: {raw}" if isinstance(raw, str) and raw else text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
