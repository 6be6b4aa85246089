"""Chat completions from an OpenAI-compatible endpoint: one request, its retries, and what came of it.

Servers differ, so the shape of a request is learned from what they refuse (`dialect`), and remembered
once a request got through.

What a reply means is never left to the server: some answer 200 and ignore the schema, so callers check it.
Time-outs, lost connections and errors of the server are faults: tried again, up to `retries` times, after 0.5, 1, 2,
… 8 seconds. Limits (429, 529, and whatever comes with a time to wait) are no faults: they are waited out, all calls
together, and use up no retry (`pace`). Every request is counted.

A response is hostile: it may be no JSON, trickle, or never end. Each of these is a failure of the one call. A request
ends with its `timeout`, whatever has arrived by then (`deadline`). After a time-out the same call gets
twice as long, up to `LONGER` times: a slow model would otherwise be paid for again and again, for nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.errors import JudgeError
from core.evaluation.endpoints.deadline import Allowance
from core.evaluation.endpoints.dialect import Dialect, Request
from core.evaluation.endpoints.endpoint import Endpoint, open_client
from core.evaluation.endpoints.messages import text_of
from core.evaluation.endpoints.pace import Came, Pace
from core.evaluation.endpoints.refusals import refused_setting
from core.evaluation.endpoints.retry_after import wait_asked
from core.evaluation.endpoints.usage import counted

LONGER = 4
"""How many times `timeout` a request may take after time-outs of its call."""

_LIMITS = (429, 529)
"""Statuses that mean "not so fast", also without a time to wait."""

_FILTERED = ("content_filter", "content_policy_violation")
"""Codes under which a gateway's filter rejects a request: a refusal, although it comes as an error."""

_NO_COMPLETION = "the endpoint answered with something that is no chat completion"

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What a hostile response brings a parser to."""


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
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    seconds: float = 0.0
    outage: bool = False


class Interrupted(Exception):
    """The engine is stopping; the call was given up between two attempts and has no result."""


class Completions:
    """One model at one endpoint. `complete` may be called from several threads.

    `timeout` is how many seconds a request may take as a whole; `headers` go with every one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        timeout: float,
        retries: int,
        pace: Pace,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.timeout = timeout
        self.retries = retries
        self.pace = pace
        self.headers = dict(headers or {})
        self.succeeded = False
        self._allowance = Allowance()
        self._client = open_client(endpoint, timeout, self._allowance)
        self._dialect = Dialect()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def held_back(self, name: str | None) -> str:
        """What people should know while the endpoint, which the configuration may name, limits calls; "" otherwise."""
        told = self.pace.told()
        return f"{name or self.endpoint.name}: {told}" if told else ""

    def complete(self, request: Request, stop: threading.Event) -> Reply:
        """Sends a request until it has a result; waits end early where `stop` is set.

        Raises:
            JudgeError: the endpoint won't serve this key or model, whatever is asked, or answers nothing but limits.
            Interrupted: `stop` was set before anything was sent that could have been answered.
        """
        begun = time.monotonic()
        reply = self._attempt_all(request, stop)
        return replace(reply, seconds=round(time.monotonic() - begun, 3))

    def _attempt_all(self, request: Request, stop: threading.Event) -> Reply:
        dialect = self._dialect
        attempts = retried = late = 0
        reply: Reply | None = None
        while True:
            result = self._paced(request, dialect, self.timeout * min(2**late, LONGER), stop)
            if result is None:
                if reply is None:
                    raise Interrupted
                return reply  # what was sent may have to be paid for, so it is recorded as the failure that it is
            attempts += 1
            if isinstance(result, Dialect):
                dialect = result
                continue
            reply = replace(result.reply, attempts=attempts)
            if result.trouble == "limit":
                self._stop_if_exhausted(reply)
                continue
            if not result.trouble or retried == self.retries:
                return reply
            late += result.trouble == "late"
            stop.wait(min(0.5 * 2**retried, 8.0) * _spread(request.seed))
            retried += 1

    def _paced(
        self, request: Request, dialect: Dialect, seconds: float, stop: threading.Event
    ) -> _Result | Dialect | None:
        """Sends a request once, when it is its turn; None where `stop` is set before."""
        ticket = self.pace.enter(stop)
        if ticket is None:
            return None
        came: tuple[Came, float | None] = ("other", None)
        try:
            result = self._attempt(request, dialect, seconds)
            came = result.came() if isinstance(result, _Result) else came
            return result
        finally:
            self.pace.leave(ticket, *came)

    def _stop_if_exhausted(self, reply: Reply) -> None:
        if self.pace.exhausted:
            raise JudgeError(
                f"{self.endpoint.name} answers model {self.model!r} with nothing but limits, the last with: "
                f"{reply.detail}; to wait for it takes more than the patience of {self.pace.patience / 60:g} min: "
                "resume later (recorded calls are kept)"
            )

    def _attempt(self, request: Request, dialect: Dialect, seconds: float) -> _Result | Dialect:
        """Sends a request that may take so long once; another dialect where its shape was rejected."""
        import openai

        try:
            body = self._send(dialect.arguments(request), seconds)
        except openai.APIStatusError as error:
            if error.status_code == 400 and error.code in _FILTERED:
                return _Result(Reply("refused", detail=self._message(error)))
            self._stop_if_unusable(error)
            return self._misset(request, error) or self._following(dialect, error) or self._rejected(error)
        except (openai.APITimeoutError, TimeoutError):
            return _Result(Reply("failed", detail=f"no whole reply within {seconds:g} s", outage=True), "late")
        except openai.APIConnectionError as error:
            return _Result(Reply("failed", detail=self._lost(error), outage=True), "busy")
        except _UNREADABLE as error:
            return _Result(Reply("failed", detail=f"{_NO_COMPLETION}: {self._message(error)}", outage=True))
        return _Result(_noted(self._read(body, dialect), dialect))

    def _send(self, arguments: Mapping[str, Any], seconds: float) -> Any:
        """The body of the response, parsed here: the client's own types take much of a response for granted."""
        with self._allowance.of(seconds):
            ask = self._client.chat.completions.with_raw_response.create
            response = ask(model=self.model, timeout=seconds, extra_headers=self.headers, **arguments)
        return json.loads(response.content)

    def _misset(self, request: Request, error: Any) -> _Result | None:
        """What came of a request with a setting that no other shape helps.

        Raises:
            JudgeError: every other call would get the same answer, and none has got through yet.
        """
        if error.status_code not in (400, 422):
            return None
        wrong = refused_setting(request, _parameter(error), self._message(error))
        if wrong is None:
            return None
        if wrong.always and not self.succeeded:
            told = f"{self.endpoint.name} refused what model {self.model!r} was asked with: {wrong.told}"
            raise JudgeError(told) from None
        return _Result(Reply("failed", detail=wrong.told))

    def _following(self, dialect: Dialect, error: Any) -> Dialect | None:
        if error.status_code not in (400, 422):
            return None
        return dialect.after_rejection(_parameter(error), self._message(error))

    def _stop_if_unusable(self, error: Any) -> None:
        """Raises JudgeError for answers that every other call would get as well."""
        status, name, model = error.status_code, self.endpoint.name, self.model
        if status == 401 or (status == 403 and not self.succeeded):
            endpoint = self.endpoint
            key = f"the key in {endpoint.variable}" if endpoint.key else f"a call without a key; {endpoint.remedy}"
            raise JudgeError(f"{name} refused model {model!r} with {status}: it does not accept {key}") from None
        if status == 402 or (status == 429 and error.code == "insufficient_quota"):
            raise JudgeError(f"{name} refused model {model!r}: the account has no credit left; then resume") from None
        if status == 404 or error.code == "model_not_found":
            raise JudgeError(
                f"{name} knows no model {model!r} (or no /chat/completions below base_url): check model and base_url"
            ) from None
        if 300 <= status < 400:
            raise JudgeError(f"{name} redirects to another address; give the final one as base_url") from None

    def _rejected(self, error: Any) -> _Result:
        """What came of a request that was answered with an error.

        401 and 403 speak of the key, so of every call. What else is below 500 speaks of this request alone.
        """
        status = error.status_code
        passing = status >= 500 or status in (408, 409, 429)
        reply = Reply("failed", detail=f"{status}: {self._message(error)}", outage=passing or status in (401, 403))
        if not passing:
            return _Result(reply)
        wait = wait_asked(error.response.headers)
        if wait is not None or status in _LIMITS:
            return _Result(reply, "limit", wait)
        return _Result(reply, "busy" if status == 503 else "fault")

    def _read(self, body: Any, dialect: Dialect) -> Reply:
        """Sorts a response by what it is; nothing in it is taken for granted."""
        choice = _first_choice(body)
        if choice is None:
            return Reply("failed", detail=f"{_NO_COMPLETION}{self._told(body)}", outage=True)
        message, finish = choice["message"], self._word(choice.get("finish_reason"))
        if finish == "error":
            return Reply("failed", detail=f"the endpoint ended the reply by an error{self._told(choice)}", outage=True)
        self.succeeded = True
        self._dialect = dialect
        refusal, usage = message.get("refusal"), counted(body.get("usage"))
        reply = Reply(
            "answered",
            text=self.endpoint.scrub(text_of(message, finish == "length")),
            detail=dialect.note(),
            finish_reason=finish,
            fingerprint=self._word(body.get("system_fingerprint")),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
        )
        if isinstance(refusal, str) and refusal:
            return replace(reply, status="refused", detail=self._line(refusal))
        if finish == "content_filter":
            return replace(reply, status="refused", detail="the endpoint's content filter stopped the reply")
        if finish == "length":
            return replace(reply, status="truncated", detail=f"cut off after {_length(reply)}")
        return reply

    def _word(self, value: object) -> str | None:
        """A short text of a response, fit for the record; None where there is none."""
        return self._line(value) if isinstance(value, str) else None

    def _told(self, value: Any) -> str:
        """What a body or a choice says of an error, to be added to a sentence."""
        error = value.get("error") if isinstance(value, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        return f": {self._line(said)}" if isinstance(said, str) and said.strip() else ""

    def _lost(self, error: Any) -> str:
        cause = error.__cause__
        return self._line(f"{self._message(error)} ({cause})") if cause and str(cause) else self._message(error)

    def _message(self, error: Any) -> str:
        """What went wrong, in the endpoint's own words where it has any."""
        said = _said(getattr(error, "body", None))
        return self._line(said or str(getattr(error, "message", "") or error))

    def _line(self, text: str) -> str:
        """A text fit for a sentence. The key is cut out of the whole: a shortened text may end within it."""
        return _one_line(self.endpoint.scrub(text))


@dataclass(frozen=True)
class _Result:
    """What came of one request, and why it should be tried again, if it should.

    limit: the endpoint says "later", `wait` seconds later where it says when. late: no reply in time. busy: too much
    for it. fault: anything else that passes.
    """

    reply: Reply
    trouble: Literal["", "limit", "late", "busy", "fault"] = ""
    wait: float | None = None

    def came(self) -> tuple[Came, float | None]:
        """What it means for the pace."""
        if self.trouble == "limit":
            return "limit", self.wait
        if self.trouble in ("late", "busy"):
            return "busy", None
        return "other" if self.reply.status == "failed" else "success", None


def _said(body: Any) -> str:
    """What the body of an error says: in `message` or `detail`, which may hold more than a text, or by itself.

    A router has the words of the endpoint behind it beside its own.
    """
    if isinstance(body, str):
        return "" if body.lstrip().startswith("<") else body
    if not isinstance(body, dict):
        return ""
    said = body.get("message") or body.get("detail") or ""
    metadata = body.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    try:
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    except RecursionError:
        return ""
    return f"{text}: {raw}" if isinstance(raw, str) and raw else text


def _parameter(error: Any) -> str | None:
    """The parameter that a refusal names in a field of its own."""
    return error.param if isinstance(error.param, str) else None


def _noted(reply: Reply, dialect: Dialect) -> Reply:
    """A reply whose `detail` says in which shape it was asked for, whatever came of it."""
    note = dialect.note()
    if reply.status == "failed" or note in reply.detail:
        return reply
    return replace(reply, detail=f"{reply.detail}; {note}" if reply.detail else note)


def _first_choice(body: Any) -> dict[str, Any] | None:
    """The first choice of a chat completion, with its message; None where a body is something else."""
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) and isinstance(choice.get("message"), dict) else None


def _length(reply: Reply) -> str:
    """How long a truncated reply had become."""
    return "the token limit" if reply.completion_tokens is None else f"{reply.completion_tokens} tokens"


def _one_line(text: str) -> str:
    """A text fit for a sentence: one line, printable, not long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 300 else line[:299] + "…"


def _spread(seed: int) -> float:
    """Between 0.75 and 1: keeps calls that failed together from coming back together."""
    return 0.75 + 0.25 * (seed % 997) / 997
