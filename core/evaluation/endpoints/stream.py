"""A reply that came as a stream of server-sent events, put together into the chat completion that it would have been.

The whole body is at hand: its size and the time it took were bounded before. Nothing in it is taken for granted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_END = "[DONE]"

_SAID = ("content", "reasoning_content", "reasoning", "refusal")
"""Fields of a message of which every chunk adds some more."""


class Unfinished(Exception):
    """A stream ended before its reply did: the connection was lost."""


def is_stream(content_type: str) -> bool:
    """Whether a body is a stream, by its header."""
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def assembled(body: bytes) -> Any:
    """The chat completion, or the error, that a stream is of.

    Raises:
        Unfinished: no reason why the reply ended arrived, nor the end of a stream that said something.
        ValueError, RecursionError: a chunk is no JSON.
    """
    whole = _Whole()
    ended = False
    for data in _events(body):
        if data.strip() == _END:
            ended = True
            break
        chunk = json.loads(data)
        if not isinstance(chunk, dict):
            continue
        if chunk.get("error"):
            return {"error": chunk["error"]}
        whole.add(chunk)
    if whole.finish is None and not (ended and whole.said):
        raise Unfinished("the stream ended before the reply did")
    return whole.completion()


def _events(body: bytes) -> Iterator[str]:
    """The data of each event. Comments, and fields that say something else, are left out."""
    lines: list[str] = []
    for line in body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").split("\n"):
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif not line and lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


class _Whole:
    """What has arrived of a reply."""

    def __init__(self) -> None:
        self.said: dict[str, list[Any]] = {}
        self.calls: dict[int, list[Any]] = {}
        self.finish: Any = None
        self.error: Any = None
        self.usage: Any = None
        self.fingerprint: Any = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Adds a chunk; some servers send the last one as a whole message."""
        self.usage = chunk.get("usage") or self.usage
        self.fingerprint = chunk.get("system_fingerprint") or self.fingerprint
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            self.finish = choice.get("finish_reason") or self.finish
            self.error = choice.get("error") or self.error
            delta = choice.get("delta") or choice.get("message")
            if isinstance(delta, dict):
                self._say(delta)

    def _say(self, delta: Mapping[str, Any]) -> None:
        for name in _SAID:
            if delta.get(name):
                self.said.setdefault(name, []).append(delta[name])
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            number = call.get("index", 0) if isinstance(call, dict) else None
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(number, int) and isinstance(function, dict) and function.get("arguments"):
                self.calls.setdefault(number, []).append(function["arguments"])

    def completion(self) -> dict[str, Any]:
        """The reply as a body that was not streamed has it."""
        message: dict[str, Any] = {name: _joined(parts) for name, parts in self.said.items()}
        if self.calls:
            message["tool_calls"] = [
                {"function": {"arguments": _joined(self.calls[number])}} for number in sorted(self.calls)
            ]
        choice = {"message": message, "finish_reason": self.finish, "error": self.error}
        return {"choices": [choice], "usage": self.usage, "system_fingerprint": self.fingerprint}


def _joined(parts: list[Any]) -> Any:
    """Pieces of a text as one; pieces that are lists of parts as one list; one piece as it came."""
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    if all(isinstance(part, list) for part in parts):
        return [one for part in parts for one in part]
    return parts[-1]
