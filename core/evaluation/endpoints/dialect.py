"""The shape of a request to an OpenAI-compatible endpoint, and how it is learned.

Servers differ, so the shape is learned from what they refuse with 400 or 422, one step for each refusal:

- the format of the reply: strict `json_schema` → the same without bounds on lists → `json_object` → plain text;
- the name of the token limit: `max_tokens` → `max_completion_tokens`;
- `seed` and `temperature`: sent → left out;
- the system text: a message of its own → in front of the user's turn;
- of requests with stop strings, `stop`: sent → left out;
- the reply: in one piece → as a stream, with its usage → as a stream without.

A refusal that names one of these changes that one; one that names none goes down the list of formats. No step is taken
back, so there are at most nine, and of requests without a format seven.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.types import Context, Message

_FORMATS = ("json_schema", "json_schema without bounds", "json_object", "text")

_BOUNDS = ("minItems", "maxItems")
"""Keywords without which a weak model that is held to a schema writes a list that never ends; not every server takes
them."""

Part = Literal["limit", "seed", "temperature", "system", "stop", "stream", "usage", "format"]
"""What may differ between two shapes."""

PARAMETERS: Mapping[str, Part] = {
    "max_tokens": "limit",
    "max_completion_tokens": "limit",
    "seed": "seed",
    "temperature": "temperature",
    "stop": "stop",
    "response_format": "format",
    "stream": "stream",
    "stream_options": "usage",
}

_MENTIONS: Mapping[Part, re.Pattern[str]] = {
    "limit": re.compile(r"max_completion_tokens|\bmax_tokens\b.*\bnot supported|\bunsupported\b.*\bmax_tokens\b", re.I),
    "seed": re.compile(r"\bseed\b(?!['\"]\s*:\s*\d)", re.I),
    "temperature": re.compile(r"\btemperature\b(?!['\"]\s*:\s*\d)", re.I),
    "system": re.compile(
        r"\broles?\b(?!['\"]\s*:\s*['\"])|\bsystem[ _-](?:message|prompt|instruction)s?\b|\bdeveloper instruction", re.I
    ),
    "stop": re.compile(r"['\"`]stop['\"`](?!\s*:\s*\[)|\bstop (?:sequence|string|word)s?\b|\bparameter stop\b", re.I),
    "stream": re.compile(r"\bstream(?:ing|ed)?\b(?!['\"]\s*:\s*\w)", re.I),
    "usage": re.compile(r"\b(?:stream_options|include_usage)\b(?!['\"]\s*:)"),
    "format": re.compile(r"response_format|json_schema|json_object|\b(?:min|max)Items\b"),
}
"""How messages speak of a part. `"seed": 7` is no such word: it is how a server repeats what it was sent."""


@dataclass(frozen=True)
class Request:
    """What is asked. `seed` is below 2^31, which every server accepts; `schema` is of no use where any text is
    asked for (`PLAIN`)."""

    messages: Context
    name: str
    schema: Mapping[str, Any]
    temperature: float
    max_tokens: int
    seed: int
    extra_body: Mapping[str, Any] | None = None
    stop: Sequence[str] = ()
    reasoning: bool = False

    def parameters(self) -> dict[str, Any]:
        """What shapes the reply besides model and messages."""
        own: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}
        own |= {"stop": list(self.stop)} if self.stop else {}
        own |= {"extra_body": self.extra_body} if self.extra_body else {}
        return own | ({"reasoning": True} if self.reasoning else {})


@dataclass(frozen=True)
class Dialect:
    """The shape of request that an endpoint accepts; `format` is None where none is asked for."""

    format: int | None = 0
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: bool = True
    temperature: bool = True
    system: bool = True
    stop: bool = False
    stream: bool = False
    usage: bool = True

    def body(self, model: str, request: Request) -> dict[str, Any]:
        """What is sent to `/chat/completions`."""
        messages = request.messages if self.system else in_one_turn(request.messages)
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            self.limit: request.max_tokens,
        }
        if self.temperature:
            body["temperature"] = request.temperature
        if self.seed:
            body["seed"] = request.seed
        if self.stop and request.stop:
            body["stop"] = list(request.stop)
        kind = "" if self.format is None else _FORMATS[self.format]
        if kind.startswith("json_schema"):
            wanted = request.schema if kind == "json_schema" else _unbounded(request.schema)
            schema = {"name": request.name, "strict": True, "schema": wanted}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif kind == "json_object":
            body["response_format"] = {"type": kind}
        if self.stream:
            body["stream"] = True
            if self.usage:
                body["stream_options"] = {"include_usage": True}
        return body | dict(request.extra_body or {})

    def after_rejection(self, parameter: str | None, message: str) -> Dialect | None:
        """The next shape to try, or None where there is none left."""
        steps = (self._step(part) for part in _named(parameter, message))
        return next((step for step in steps if step is not None), None)

    def _step(self, part: Part) -> Dialect | None:
        """The shape with another way of one part; None where there is no other left."""
        if part == "format":
            if self.format is None:
                return None
            return replace(self, format=self.format + 1) if self.format + 1 < len(_FORMATS) else None
        if part == "limit":
            return replace(self, limit="max_completion_tokens") if self.limit == "max_tokens" else None
        if part == "stream":
            return replace(self, stream=True) if not self.stream else None
        if part == "usage" and not self.stream:
            return None
        return replace(self, **{part: False}) if getattr(self, part) else None  # type: ignore[arg-type]

    def note(self) -> str:
        """What was asked otherwise, or less strictly, than could be, in words."""
        kind = "" if self.format is None else _FORMATS[self.format]
        notes = {
            "": [] if self.stop else ["the endpoint accepts no stop; the answer was cut afterwards"],
            "json_schema": [],
            "json_schema without bounds": [f"the endpoint accepts no {' and '.join(_BOUNDS)} in a json_schema"],
        }.get(kind, [f"the endpoint accepts no json_schema; asked for {kind}"])
        left_out = [name for name in ("seed", "temperature") if not getattr(self, name)]
        told = [*notes, *(f"the endpoint accepts no {name}" for name in left_out)]
        if not self.system:
            told.append("the endpoint accepts no system role; the system text stood in front of the user's turn")
        if self.stream:
            told.append("the endpoint answers by a stream alone")
        if not self.usage:
            told.append("the endpoint accepts no stream_options")
        return "; ".join(told)


PLAIN = Dialect(format=None, stop=True)
"""The first shape of a request for any text."""


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
