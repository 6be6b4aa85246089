"""Chat completions from an OpenAI-compatible endpoint: one request, its retries, and what came of it.

Servers differ, so the shape of a request is learned from what they refuse with 400 or 422, one step at a
time, and remembered once a request got through:

- the format of the reply: strict `json_schema` → `json_object` → plain text;
- the name of the token limit: `max_tokens` → `max_completion_tokens`;
- `seed`: sent → left out.

What a reply means is never left to the server: some answer 200 and ignore the schema, so callers check it.
Rate limits, timeouts, lost connections and errors of the server are tried again, up to `retries` times,
after the time that `Retry-After` names or after 0.5, 1, 2, … 8 seconds. Every request is counted.
"""

from __future__ import annotations

import email.utils
import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.errors import JudgeError
from core.evaluation.endpoint import Endpoint, open_client
from core.types import Context

LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more is taken to be unavailable."""

_FORMATS = ("json_schema", "json_object", "text")


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
class Reply:
    """What came of a request.

    `outage` marks failures that say something about the endpoint, not about this request.
    """

    status: Literal["answered", "refused", "truncated", "failed"]
    text: str = ""
    detail: str = ""
    attempts: int = 1
    finish_reason: str | None = None
    fingerprint: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    outage: bool = False


class Interrupted(Exception):
    """The engine is stopping; the call was given up between two attempts and has no result."""


@dataclass(frozen=True)
class _Dialect:
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
        if kind == "json_schema":
            schema = {"name": request.name, "strict": True, "schema": dict(request.schema)}
            arguments["response_format"] = {"type": kind, "json_schema": schema}
        elif kind == "json_object":
            arguments["response_format"] = {"type": kind}
        return arguments

    def after_rejection(self, parameter: str | None, message: str) -> _Dialect | None:
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
        notes = [] if self.format == 0 else [f"the endpoint accepts no json_schema; asked for {_FORMATS[self.format]}"]
        notes += [] if self.seeded else ["the endpoint accepts no seed"]
        return "; ".join(notes)


class Completions:
    """One model at one endpoint. `complete` may be called from several threads."""

    def __init__(self, endpoint: Endpoint, model: str, timeout: float, retries: int) -> None:
        self.endpoint = endpoint
        self.model = model
        self.retries = retries
        self.succeeded = False
        self._client = open_client(endpoint, timeout)
        self._dialect = _Dialect()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def complete(self, request: Request, stop: threading.Event) -> Reply:
        """Sends a request until it has a result; waits end early where `stop` is set.

        Raises:
            JudgeError: the endpoint won't serve this key or model, whatever is asked.
            Interrupted: `stop` was set between two attempts.
        """
        begun = time.monotonic()
        reply = self._attempt_all(request, stop)
        return replace(reply, seconds=round(time.monotonic() - begun, 3), detail=self.endpoint.scrub(reply.detail))

    def _attempt_all(self, request: Request, stop: threading.Event) -> Reply:
        import openai

        dialect = self._dialect
        attempts = retried = 0
        while True:
            if stop.is_set():
                raise Interrupted
            attempts += 1
            wait: float | None = None
            try:
                response = self._client.chat.completions.create(model=self.model, **dialect.arguments(request))
            except openai.APIStatusError as error:
                self._stop_if_unusable(error)
                following = self._following(dialect, error)
                if following is not None:
                    dialect = following
                    continue
                failure = self._failed(error, attempts)
                wait = _retry_after(error.response.headers)
                again = failure.outage and (wait is None or wait <= LONGEST_WAIT)
            except openai.APIConnectionError as error:
                failure = self._lost(error, attempts)
                again = True
            except openai.APIError as error:
                return self._failed(error, attempts)
            else:
                return self._read(response, dialect, attempts)
            if not again or retried == self.retries:
                return failure
            delay = min(0.5 * 2**retried, 8.0) * _spread(request.seed)
            retried += 1
            if stop.wait(delay if wait is None else wait):
                raise Interrupted

    def _following(self, dialect: _Dialect, error: Any) -> _Dialect | None:
        if error.status_code not in (400, 422):
            return None
        return dialect.after_rejection(error.param, _message(error))

    def _stop_if_unusable(self, error: Any) -> None:
        """Raises JudgeError for answers that every other call would get as well."""
        status, name, model = error.status_code, self.endpoint.name, self.model
        if status == 401 or (status == 403 and not self.succeeded):
            key = "the key in OPENAI_API_KEY" if self.endpoint.key else "a call without a key; set OPENAI_API_KEY"
            raise JudgeError(f"{name} refused model {model!r} with {status}: it does not accept {key}") from None
        if status == 402 or (status == 429 and error.code == "insufficient_quota"):
            raise JudgeError(f"{name} refused model {model!r}: the account has no credit left; then resume") from None
        if status == 404 or error.code == "model_not_found":
            raise JudgeError(
                f"{name} knows no model {model!r} (or no /chat/completions below base_url): check model and base_url"
            ) from None
        if 300 <= status < 400:
            raise JudgeError(f"{name} redirects to another address; give the final one as base_url") from None
        if status == 400 and error.param == "temperature":
            raise JudgeError(
                f"{name}: model {model!r} does not accept the temperature asked for: "
                f"{self.endpoint.scrub(_message(error))}; set another one"
            ) from None

    def _failed(self, error: Any, attempts: int) -> Reply:
        status = getattr(error, "status_code", None)
        rejected = status is not None and status < 500 and status not in (408, 409, 429)
        said = f"{status}: {_message(error)}" if status else _message(error)
        return Reply("failed", detail=said, attempts=attempts, outage=not rejected)

    def _lost(self, error: Any, attempts: int) -> Reply:
        cause = error.__cause__
        said = f"{_message(error)} ({cause})" if cause and str(cause) else _message(error)
        return Reply("failed", detail=_one_line(said), attempts=attempts, outage=True)

    def _read(self, response: Any, dialect: _Dialect, attempts: int) -> Reply:
        """Sorts a response by what it is; nothing in it is taken for granted."""
        choices = getattr(response, "choices", None)
        if not isinstance(choices, list) or not choices or getattr(choices[0], "message", None) is None:
            said = "the endpoint answered with something that is no chat completion"
            return Reply("failed", detail=said, attempts=attempts, outage=True)
        self.succeeded = True
        self._dialect = dialect
        choice = choices[0]
        content, refusal = getattr(choice.message, "content", None), getattr(choice.message, "refusal", None)
        finish = _text_or_none(getattr(choice, "finish_reason", None))
        usage = getattr(response, "usage", None)
        reply = Reply(
            "answered",
            text=self.endpoint.scrub(content) if isinstance(content, str) else "",
            detail=dialect.note(),
            attempts=attempts,
            finish_reason=finish,
            fingerprint=_text_or_none(getattr(response, "system_fingerprint", None)),
            prompt_tokens=_count_or_none(getattr(usage, "prompt_tokens", None)),
            completion_tokens=_count_or_none(getattr(usage, "completion_tokens", None)),
        )
        if isinstance(refusal, str) and refusal:
            return replace(reply, status="refused", detail=_one_line(refusal))
        if finish == "content_filter":
            return replace(reply, status="refused", detail="the endpoint's content filter stopped the reply")
        if finish == "length":
            return replace(reply, status="truncated", detail=f"cut off after {_length(reply)}; raise max_tokens")
        return reply


def _length(reply: Reply) -> str:
    """How long a truncated reply had become."""
    return "the token limit" if reply.completion_tokens is None else f"{reply.completion_tokens} tokens"


def _message(error: Any) -> str:
    return _one_line(str(getattr(error, "message", "") or error))


def _one_line(text: str) -> str:
    """A text fit for a sentence: one line, printable, not long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 300 else line[:299] + "…"


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count_or_none(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _spread(seed: int) -> float:
    """Between 0.75 and 1: keeps calls that failed together from coming back together."""
    return 0.75 + 0.25 * (seed % 997) / 997


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `Retry-After` as seconds or as a date, None where absent or unclear."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        if date is None:
            return None
        seconds = email.utils.mktime_tz(date) - time.time()
    return max(0.0, seconds) if math.isfinite(seconds) else None
