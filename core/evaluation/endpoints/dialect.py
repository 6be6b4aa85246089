"""The shape of a request to an OpenAI-compatible endpoint, and how it is learned.

Servers differ, so the shape is learned from what they refuse with 400 or 422, one step for each refusal:

- the format of the reply: strict `json_schema` → the same without bounds on lists → `json_object` → plain text;
- the name of the token limit: `max_tokens` → `max_completion_tokens`;
- `seed` and `temperature`: sent → left out;
- the system text: a message of its own → in front of the user's turn.

A refusal that names one of these changes that one; one that names none goes down the list of formats. No step is taken
back, so there are at most seven.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.types import Context, Message

_FORMATS = ("json_schema", "json_schema without bounds", "json_object", "text")

_BOUNDS = ("minItems", "maxItems")
"""Keywords without which a weak model that is held to a schema writes a list that never ends; not every server takes
them."""

Part = Literal["limit", "seed", "temperature", "system", "format"]
"""What may differ between two shapes."""

PARAMETERS: Mapping[str, Part] = {
    "max_tokens": "limit",
    "max_completion_tokens": "limit",
    "seed": "seed",
    "temperature": "temperature",
    "response_format": "format",
}

_MENTIONS: Mapping[Part, re.Pattern[str]] = {
    "limit": re.compile(r"max_completion_tokens|\bmax_tokens\b.*\bnot supported|\bunsupported\b.*\bmax_tokens\b", re.I),
    "seed": re.compile(r"\bseed\b(?!['\"]\s*:\s*\d)", re.I),
    "temperature": re.compile(r"\btemperature\b(?!['\"]\s*:\s*\d)", re.I),
    "system": re.compile(
        r"\broles?\b(?!['\"]\s*:\s*['\"])|\bsystem[ _-](?:message|prompt|instruction)s?\b|\bdeveloper instruction", re.I
    ),
    "format": re.compile(r"response_format|json_schema|json_object|\b(?:min|max)Items\b"),
}
"""How messages speak of a part. `"seed": 7` is no such word: it is how a server repeats what it was sent."""


@dataclass(frozen=True)
class Request:
    """What is asked. `seed` is below 2^31, which every server accepts."""

    messages: Context
    name: str
    schema: Mapping[str, Any]
    temperature: float
    max_tokens: int
    seed: int
    extra_body: Mapping[str, Any] | None = None
    reasoning: bool = False

    def parameters(self) -> dict[str, Any]:
        """What shapes the reply besides model and messages."""
        own: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}
        own |= {"extra_body": self.extra_body} if self.extra_body else {}
        return own | ({"reasoning": True} if self.reasoning else {})


@dataclass(frozen=True)
class Dialect:
    """The shape of request that an endpoint accepts."""

    format: int = 0
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: bool = True
    temperature: bool = True
    system: bool = True

    def arguments(self, request: Request) -> dict[str, Any]:
        """Keyword arguments of `chat.completions.create`."""
        messages = request.messages if self.system else in_one_turn(request.messages)
        arguments: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self.limit: request.max_tokens,
        }
        if self.temperature:
            arguments["temperature"] = request.temperature
        if self.seed:
            arguments["seed"] = request.seed
        kind = _FORMATS[self.format]
        if kind.startswith("json_schema"):
            wanted = request.schema if kind == "json_schema" else _unbounded(request.schema)
            schema = {"name": request.name, "strict": True, "schema": wanted}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif kind == "json_object":
            arguments["response_format"] = {"type": kind}
        if request.extra_body:
            arguments["extra_body"] = dict(request.extra_body)
        return arguments

    def after_rejection(self, parameter: str | None, message: str) -> Dialect | None:
        """The next shape to try, or None where there is none left."""
        steps = (self._step(part) for part in _named(parameter, message))
        return next((step for step in steps if step is not None), None)

    def _step(self, part: Part) -> Dialect | None:
        """The shape with another way of one part; None where there is no other left."""
        if part == "format":
            return replace(self, format=self.format + 1) if self.format + 1 < len(_FORMATS) else None
        if part == "limit":
            return replace(self, limit="max_completion_tokens") if self.limit == "max_tokens" else None
        return replace(self, **{part: False}) if getattr(self, part) else None  # type: ignore[arg-type]

    def note(self) -> str:
        """What was asked otherwise, or less strictly, than could be, in words."""
        kind = _FORMATS[self.format]
        notes = {
            "json_schema": [],
            "json_schema without bounds": [f"the endpoint accepts no {' and '.join(_BOUNDS)} in a json_schema"],
        }.get(kind, [f"the endpoint accepts no json_schema; asked for {kind}"])
        left_out = [name for name in ("seed", "temperature") if not getattr(self, name)]
        told = [*notes, *(f"the endpoint accepts no {name}" for name in left_out)]
        if not self.system:
            told.append("the endpoint accepts no system role; the system text stood in front of the user's turn")
        return "; ".join(told)


def _named(parameter: str | None, message: str) -> list[Part]:
    """The parts that a refusal speaks of: what `param` names and nothing else; or what its message names, in its order,
    and in the end the format."""
    place = parameter or ""
    if place.startswith("messages") and place.endswith("role"):
        return ["system"]
    known = PARAMETERS.get(re.split(r"[.\[]", place)[0])
    if known:
        return [known]
    return [*mentioned(message), "format"]


def mentioned(message: str) -> list[Part]:
    """The parts that a message speaks of, in its order."""
    found = {part: mention.search(message) for part, mention in _MENTIONS.items()}
    places: list[tuple[int, Part]] = [(at.start(), part) for part, at in found.items() if at]
    return [part for _, part in sorted(places)]


def in_one_turn(messages: Context) -> Context:
    """Messages without a system role: its texts stand in front of the first other turn, after a blank line each."""
    texts = [message.content for message in messages if message.role == "system"]
    first, *others = (message for message in messages if message.role != "system")
    return (Message(first.role, "\n\n".join([*texts, first.content])), *others)


def _unbounded(schema: Any) -> Any:
    """A schema without bounds on the length of lists."""
    if isinstance(schema, Mapping):
        return {key: _unbounded(value) for key, value in schema.items() if key not in _BOUNDS}
    return schema
