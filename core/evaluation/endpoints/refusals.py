"""Settings that an endpoint refuses for their value: no other shape of request helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.evaluation.endpoints.dialect import PARAMETERS, Request, mentioned

_OUT_OF_RANGE = re.compile(
    r"\b(?:range|between|maximum|minimum|max|min|greater|less|larger|smaller|above|below|at (?:most|least)|positive|"
    r"negative|exceeds?|too (?:high|low|large|small))\b|[<>≤≥]|(?:less|greater)_than",
    re.I,
)
_TOO_MANY = re.compile(
    r"\b(?:context|maximum|at most|exceeds?|exceeded|too (?:large|long|many|high|big)|less than)\b|≤|<=", re.I
)
_UNSUPPORTED = re.compile(r"unsupported|not supported|unrecognized|not permitted|\binstead\b", re.I)
_LIMIT = re.compile(r"\bmax_(?:completion_|new_|output_)?tokens\b")

_REMEDIES = {
    "ranking": {"temperature": "set another one", "max_tokens": "set a smaller one"},
    "answer": {"temperature": "let another model answer", "max_tokens": "set a smaller answer.max_tokens"},
    "questions": {"temperature": "let another model write", "max_tokens": "ask for fewer questions per clause"},
}
"""By what is asked for: who writes questions is asked with a temperature and a limit that nobody sets."""


@dataclass(frozen=True)
class Misset:
    """A setting that was refused, and what to do, in words; `always` where every call would get the same answer."""

    told: str
    always: bool = True


def refused_setting(request: Request, parameter: str | None, message: str) -> Misset | None:
    """The setting of a request that was refused for its value; None where none was."""
    remedies, limit = _REMEDIES[request.name], request.max_tokens
    own = _own_field(request, parameter, message)
    if own:
        return Misset(f"extra_body.{own} is not accepted: {message}; change or remove it")
    if _is_limit(limit, parameter, message):
        alone = _too_large_alone(limit, message)
        what = "is too much for it" if alone else "is too much beside this prompt"
        return Misset(f"max_tokens = {limit} {what}: {message}; {remedies['max_tokens']}", alone)
    if _is_temperature(parameter, message):
        return Misset(f"temperature = {request.temperature:g} is not accepted: {message}; {remedies['temperature']}")
    return None


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
    named = parameter == "temperature" or (not parameter and mentioned(message)[:1] == ["temperature"])
    return bool(named and _OUT_OF_RANGE.search(message))


def _is_limit(limit: int, parameter: str | None, message: str) -> bool:
    """Whether the limit is too large for the model: it is named, or its number stands among tokens."""
    if PARAMETERS.get(parameter or "", "limit") != "limit":
        return False
    named = parameter in PARAMETERS or _LIMIT.search(message)
    counted = "token" in message and re.search(rf"\b{limit}\b", message)
    return bool((named or counted) and _TOO_MANY.search(message) and not _UNSUPPORTED.search(message))


def _too_large_alone(limit: int, message: str) -> bool:
    """Whether no prompt is short enough: the first other number of such a message is what the model takes at most."""
    others = [int(number) for number in re.findall(r"\d{1,15}", message) if int(number) != limit]
    return not others or others[0] < limit
