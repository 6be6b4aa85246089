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
from core.evaluation.endpoints.messages import reasoning_of, text_of
from core.evaluation.endpoints.pace import Came
from core.evaluation.endpoints.refusals import refused_setting
from core.evaluation.endpoints.refused import Refused, by_status, in_body, told
from core.evaluation.endpoints.shared import Shared
from core.evaluation.endpoints.stream import Unfinished, assembled, is_stream
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

    `reasoning` is what the model thought beside what it said.
    `outage` marks failures that say something about the endpoint, not about this request.
    """

    status: Literal["answered", "refused", "truncated", "failed"]
    text: str = ""
    reasoning: str = ""
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

    def measured(self) -> dict[str, Any]:
        """What the record of every call holds of a reply beside its text, by field."""
        return {
            "finish_reason": self.finish_reason,
            "fingerprint": self.fingerprint,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "seconds": self.seconds,
        }


class Interrupted(Exception):
    """The engine is stopping; the call was given up between two attempts and has no result."""


class Completions:
    """One model at one endpoint. `complete` may be called from several threads.

    `timeout` is how many seconds a request may take as a whole, `patience` how many an endpoint that answers nothing
    but limits is waited for; `headers` go with every request. At most `concurrency` are wanted in flight. `dialect` is
    the shape that is tried first.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        timeout: float,
        retries: int,
        concurrency: int,
        patience: float,
        shared: Shared,
        headers: Mapping[str, str] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.timeout = timeout
        self.retries = retries
        self.concurrency = concurrency
        self.pace = shared.pace(endpoint, concurrency, patience)
        self.headers = dict(headers or {})
        self.succeeded = False
        self._allowance = Allowance()
        self._client = open_client(endpoint, timeout, self._allowance)
        self._learned = shared.learned(endpoint, model, dialect or Dialect())

    @property
    def width(self) -> int:
        """How many calls should be worked on at once.

        The first goes alone: it learns what the model accepts, and whether it is there at all.
        """
        return min(self.concurrency, self.pace.at_once) if self.succeeded else 1

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
        dialect = self._learned.dialect
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
        result: _Result | Dialect | None = None
        try:
            result = self._attempt(request, dialect, seconds)
            return result
        finally:
            if isinstance(result, _Result):
                self.pace.leave(ticket, result.came(), result.wait, _tokens(request, result.reply))
            else:
                self.pace.leave(ticket, "other")

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
            body, streamed = self._send(dialect.body(self.model, request), seconds)
        except openai.APIStatusError as error:
            return self._refused(by_status(error), request, dialect)
        except (openai.APITimeoutError, TimeoutError):
            return _Result(Reply("failed", detail=f"no whole reply within {seconds:g} s", outage=True), "late")
        except (openai.APIConnectionError, Unfinished) as error:
            return _Result(Reply("failed", detail=self._lost(error), outage=True), "busy")
        except _UNREADABLE as error:
            return _Result(Reply("failed", detail=f"{_NO_COMPLETION}: {self._message(error)}", outage=True))
        refused = in_body(body)
        if refused is not None:
            return self._refused(refused, request, dialect)
        if streamed:
            dialect = replace(dialect, stream=True)
        return self._read(body, dialect)

    def _send(self, body: Mapping[str, Any], seconds: float) -> tuple[Any, bool]:
        """What the response says, parsed here: the client's own types take much of it for granted; and whether it came
        as a stream. The client takes a stream for any other body, so that one deadline and one size bound it whole."""
        import openai

        with self._allowance.of(seconds):
            response = self._client.post(
                "/chat/completions",
                cast_to=openai.HttpxBinaryResponseContent,
                body=body,
                options={"timeout": seconds, "headers": self.headers},
            )
        if is_stream(response.response.headers.get("content-type", "")):
            return assembled(response.content), True
        return json.loads(response.content), False

    def _refused(self, refused: Refused, request: Request, dialect: Dialect) -> _Result | Dialect:
        """What came of a request that was answered by an error; another dialect where its shape was rejected."""
        if refused.status == 400 and refused.code in _FILTERED:
            return _Result(Reply("refused", detail=self._line(refused.said)))
        self._stop_if_unusable(refused)
        return self._misset(request, refused) or self._following(dialect, refused) or self._rejected(refused)

    def _misset(self, request: Request, refused: Refused) -> _Result | None:
        """What came of a request with a setting that no other shape helps.

        Raises:
            JudgeError: every other call would get the same answer, and none has got through yet.
        """
        if refused.status not in (400, 422):
            return None
        wrong = refused_setting(request, refused.parameter, self._line(refused.said))
        if wrong is None:
            return None
        if wrong.always and not self.succeeded:
            told = f"{self.endpoint.name} refused what model {self.model!r} was asked with: {wrong.told}"
            raise JudgeError(told) from None
        return _Result(Reply("failed", detail=wrong.told))

    def _following(self, dialect: Dialect, refused: Refused) -> Dialect | None:
        if refused.status not in (400, 422):
            return None
        return dialect.after_rejection(refused.parameter, self._line(refused.said))

    def _stop_if_unusable(self, refused: Refused) -> None:
        """Raises JudgeError for answers that every other call would get as well."""
        status, name, model = refused.status, self.endpoint.name, self.model
        if status == 401 or (status == 403 and not self.succeeded):
            endpoint = self.endpoint
            key = f"the key in {endpoint.variable}" if endpoint.key else f"a call without a key; {endpoint.remedy}"
            raise JudgeError(f"{name} refused model {model!r} with {status}: it does not accept {key}") from None
        if status == 402 or (status == 429 and refused.code == "insufficient_quota"):
            raise JudgeError(f"{name} refused model {model!r}: the account has no credit left; then resume") from None
        if status == 404 or refused.code == "model_not_found":
            raise JudgeError(
                f"{name} knows no model {model!r} (or no /chat/completions below base_url): check model and base_url"
            ) from None
        if 300 <= status < 400:
            raise JudgeError(f"{name} redirects to another address; give the final one as base_url") from None

    def _rejected(self, refused: Refused) -> _Result:
        """What came of a request that was answered with an error.

        401 and 403 speak of the key, so of every call. What else is below 500 speaks of this request alone.
        """
        status = refused.status
        passing = status >= 500 or status in (408, 409, 429)
        detail = f"{status}: {self._line(refused.said)}"
        reply = Reply("failed", detail=detail, outage=passing or status in (401, 403))
        if not passing:
            return _Result(reply)
        if refused.wait is not None or status in _LIMITS:
            return _Result(reply, "limit", refused.wait)
        return _Result(reply, "busy" if status == 503 else "fault")

    def _read(self, body: Any, dialect: Dialect) -> _Result:
        """Sorts a response by what it is; nothing in it is taken for granted."""
        choice = _first_choice(body)
        if choice is None:
            return _Result(Reply("failed", detail=f"{_NO_COMPLETION}{self._told(body)}", outage=True))
        finish = self._word(choice.get("finish_reason"))
        if finish == "error":
            detail = f"the endpoint ended the reply by an error{self._told(choice)}"
            return _Result(Reply("failed", detail=detail, outage=True), "fault")
        return _Result(_noted(self._completed(body, choice, finish, dialect), dialect))

    def _completed(self, body: Any, choice: Mapping[str, Any], finish: str | None, dialect: Dialect) -> Reply:
        message = choice["message"]
        self.succeeded = True
        self._learned.dialect = dialect
        refusal, usage = message.get("refusal"), counted(body.get("usage"))
        reply = Reply(
            "answered",
            text=self.endpoint.scrub(text_of(message, finish == "length")),
            reasoning=self.endpoint.scrub(reasoning_of(message)),
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

    def _told(self, holder: Any) -> str:
        """What a body or a choice says of an error, to be added to a sentence."""
        said = told(holder)
        return f": {self._line(said)}" if said else ""

    def _lost(self, error: Any) -> str:
        cause = error.__cause__
        return self._line(f"{self._message(error)} ({cause})") if cause and str(cause) else self._message(error)

    def _message(self, error: Exception) -> str:
        """What went wrong on this side of the wire, in words."""
        return self._line(str(getattr(error, "message", "") or error))

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

    def came(self) -> Came:
        """What it means for the pace."""
        if self.trouble == "limit":
            return "limit"
        if self.trouble in ("late", "busy"):
            return "busy"
        return "other" if self.reply.status == "failed" else "success"


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


def _tokens(request: Request, reply: Reply) -> int | None:
    """How many tokens a reply and its prompt took; about a fourth of their bytes where the endpoint counts none."""
    if reply.status == "failed":
        return None
    prompt = "".join(message.content for message in request.messages)
    counts = ((reply.prompt_tokens, prompt), (reply.completion_tokens, reply.text))
    return sum(len(text.encode("utf-8", "replace")) // 4 if count is None else count for count, text in counts)


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
