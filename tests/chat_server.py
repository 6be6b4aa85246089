"""A server on this machine that speaks `chat/completions`, for tests of judges behind an endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Raw:
    """A response byte by byte, status line and headers included; afterwards the connection is closed.

    The headers have to say so: another call may have been given the connection by then.
    """

    pieces: Iterable[bytes]


Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Raw
"""Status, body (anything JSON holds, or a plain string) and headers; or the bytes themselves."""


@dataclass
class ChatServer:
    """What the server answers, and what it was asked."""

    respond: Callable[[dict[str, Any], int], Answer]
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    @property
    def formats(self) -> list[str]:
        """The response format of each request."""
        return [request.get("response_format", {"type": "text"})["type"] for request in self.requests]


class Moody:
    """A judge that answers as it is told to at the time."""

    def __init__(self, mood: Callable[[dict[str, Any], int], Answer]) -> None:
        self.mood = mood

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        return self.mood(body, number)


def completion(content: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """The body of a successful reply."""
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "system_fingerprint": "fp-1",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def body(content: bytes, length: int | None = None) -> Raw:
    """A 200 with any bytes as its JSON; `length` is what the header says of them."""
    length = len(content) if length is None else length
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    return Raw([head.encode() + content])


def error(message: str, **more: Any) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def shown(request: dict[str, Any]) -> dict[str, str]:
    """The labelled answers that a judge was shown."""
    case, _ = json.JSONDecoder().raw_decode(request["messages"][-1]["content"])
    answers: dict[str, str] = case["answers"]
    return answers


def by_length(request: dict[str, Any]) -> dict[str, Any]:
    """A judge that ranks longer answers first."""
    answers = shown(request)
    return completion(json.dumps({"ranking": sorted(answers, key=lambda label: -len(answers[label]))}))


def all_rank(body: dict[str, Any], number: int) -> Answer:
    """A judge that ranks in the order that it is shown."""
    return 200, completion(json.dumps({"ranking": list(shown(body))}))


def nobody(body: dict[str, Any], number: int) -> Answer:
    """For where every reply is there."""
    raise AssertionError("nobody may be asked")


@contextmanager
def serving(respond: Callable[[dict[str, Any], int], Answer]) -> Iterator[ChatServer]:
    """Runs a server; `respond` gets each request's body and its number, from 0."""
    state = ChatServer(respond)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with state.lock:
                number = len(state.requests)
                state.requests.append(body)
                state.keys.append(self.headers.get("authorization"))
                state.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = state.respond(body, number)
            if isinstance(answer, Raw):
                self._send(answer.pieces)
                return
            status, content, *headers = answer
            plain = isinstance(content, str)
            data = content.encode() if plain else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "text/html" if plain else "application/json")
            self.send_header("content-length", str(len(data)))
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _send(self, pieces: Iterable[bytes]) -> None:
            self.close_connection = True
            with suppress(OSError):  # the client left
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the tests look at `requests`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def serving_alone(mood: Callable[[dict[str, Any], int], Answer]) -> Iterator[tuple[Moody, ChatServer]]:
    """Runs a server whose mood can change, with nothing in the environment that says where judges are asked."""
    moody = Moody(mood)
    with pytest.MonkeyPatch.context() as patch, serving(moody) as found:
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_CUSTOM_HEADERS"):
            patch.delenv(name, raising=False)
        yield moody, found
