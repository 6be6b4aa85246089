"""Settings that an endpoint refuses for what they are: no other shape of request helps, and every call would get the
same answer."""

from __future__ import annotations

import re

from core.evaluation.dialect import Request, mentioned

_OUT_OF_RANGE = re.compile(
    r"\b(?:range|between|maximum|minimum|max|min|greater|less|larger|smaller|above|below|at (?:most|least)|positive|"
    r"negative|exceeds?|too (?:high|low|large|small))\b|[<>≤≥]|(?:less|greater)_than",
    re.I,
)
_TOO_MANY = re.compile(
    r"\b(?:context|maximum|at most|exceeds?|exceeded|too (?:large|long|many|high|big)|less than)\b|[≤]|<=", re.I
)
_UNSUPPORTED = re.compile(r"unsupported|not supported|unrecognized|not permitted|\binstead\b", re.I)
_LIMIT = re.compile(r"\bmax_(?:completion_|new_|output_)?tokens\b")

_REMEDIES = {
    "ranking": {"temperature": "set another one", "max_tokens": "set a smaller one"},
    "questions": {"temperature": "let another model write", "max_tokens": "ask for fewer questions per clause"},
}
"""By what is asked for: who writes questions is asked with a temperature and a limit that nobody sets."""


def refused_setting(request: Request, parameter: str | None, message: str) -> str:
    """Which setting of a request was refused for its value, and what to do; "" where none was."""
    remedies = _REMEDIES[request.name]
    if _is_limit(request, parameter, message):
        return f"max_tokens = {request.max_tokens} is too much for it: {message}; {remedies['max_tokens']}"
    own = _own_field(request, parameter, message)
    if own:
        return f"extra_body.{own} is not accepted: {message}; change or remove it"
    if _is_temperature(parameter, message):
        return f"temperature = {request.temperature:g} is not accepted: {message}; {remedies['temperature']}"
    return ""


def _own_field(request: Request, parameter: str | None, message: str) -> str:
    """The field of `extra_body` that was refused.

    In a message alone only a name that is no common word is one, and only where it speaks of nothing else.
    """
    fields = request.extra_body or {}
    named = re.split(r"[.\[]", parameter or "")[0]
    if named:
        return named if named in fields else ""
    if mentioned(message):
        return ""
    return next((name for name in fields if "_" in name and re.search(rf"\b{re.escape(name)}\b", message)), "")


def _is_temperature(parameter: str | None, message: str) -> bool:
    """Whether the value is out of range. A model that takes its own default alone takes no temperature."""
    named = parameter == "temperature" or (not parameter and re.search(r"\btemperature\b", message, re.I))
    return bool(named and _OUT_OF_RANGE.search(message))


def _is_limit(request: Request, parameter: str | None, message: str) -> bool:
    """Whether the limit is too large for the model: it is named, or its number stands among tokens."""
    named = parameter in ("max_tokens", "max_completion_tokens") or _LIMIT.search(message)
    counted = "token" in message and re.search(rf"\b{request.max_tokens}\b", message)
    return bool((named or counted) and _TOO_MANY.search(message) and not _UNSUPPORTED.search(message))
