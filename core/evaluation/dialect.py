"""The shape of a request to an OpenAI-compatible endpoint, and how it is learned.

Servers differ, so the shape is learned from what they refuse with 400 or 422, one step at a time:

- the format of the reply: strict `json_schema` → the same without bounds on lists → `json_object` → plain text;
- the name of the token limit: `max_tokens` → `max_completion_tokens`;
- `seed`: sent → left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.types import Context

_FORMATS = ("json_schema", "json_schema without bounds", "json_object", "text")

_BOUNDS = ("minItems", "maxItems")
"""Keywords without which a weak model that is held to a schema writes a list that never ends; not every server takes
them."""


@dataclass(frozen=True)
class Request:
    """What is asked. `seed` is below 2^31, which every server accepts."""

    messages: Context
    name: str
    schema: Mapping[str, Any]
    temperature: float
    max_tokens: int
    seed: int

    def parameters(self) -> dict[str, Any]:
        """What shapes the reply besides model and messages."""
        return {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.seed}


@dataclass(frozen=True)
class Dialect:
    """The shape of request that an endpoint accepts."""

    format: int = 0
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seeded: bool = True

    def arguments(self, request: Request) -> dict[str, Any]:
        """Keyword arguments of `chat.completions.create`."""
        arguments: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": request.temperature,
            self.limit: request.max_tokens,
        }
        if self.seeded:
            arguments["seed"] = request.seed
        kind = _FORMATS[self.format]
        if kind.startswith("json_schema"):
            wanted = request.schema if kind == "json_schema" else _unbounded(request.schema)
            schema = {"name": request.name, "strict": True, "schema": wanted}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif kind == "json_object":
            arguments["response_format"] = {"type": kind}
        return arguments

    def after_rejection(self, parameter: str | None, message: str) -> Dialect | None:
        """The next shape to try, or None where there is none left."""
        if self.limit == "max_tokens" and "max_completion_tokens" in message:
            return replace(self, limit="max_completion_tokens")
        if self.seeded and (parameter == "seed" or re.search(r"\bseed\b", message)):
            return replace(self, seeded=False)
        if parameter != "temperature" and self.format + 1 < len(_FORMATS):
            return replace(self, format=self.format + 1)
        return None

    def note(self) -> str:
        """What was asked for less strictly than could be, in words."""
        kind = _FORMATS[self.format]
        notes = {
            "json_schema": [],
            "json_schema without bounds": [f"the endpoint accepts no {' and '.join(_BOUNDS)} in a json_schema"],
        }.get(kind, [f"the endpoint accepts no json_schema; asked for {kind}"])
        return "; ".join([*notes, *([] if self.seeded else ["the endpoint accepts no seed"])])


def _unbounded(schema: Any) -> Any:
    """A schema without bounds on the length of lists."""
    if isinstance(schema, Mapping):
        return {key: _unbounded(value) for key, value in schema.items() if key not in _BOUNDS}
    return schema
