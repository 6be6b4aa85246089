"""What a model said, from the message of a chat completion.

Servers put it into different places. The text of a reply, which is recorded and read, is what was said aloud: `content`
(of a list of parts the texts), and in lines of their own the arguments of `tool_calls`. Where nothing was said aloud it
is the reasoning (`reasoning_content` or `reasoning`, or the parts that are thoughts): some servers put all that a model
writes there. Nothing is taken for granted, and no message raises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def text_of(message: Mapping[str, Any], cut_off: bool) -> str:
    """The text of a reply, "" where there is none.

    Args:
        message: as the server sent it.
        cut_off: the reply ended by its length. Reasoning is an unfinished thought then and marked as one, since a draft
            in it is no statement.
    """
    aloud = _aloud(message)
    if aloud:
        return aloud
    thought = _thought(message, "text", "thinking")
    return f"<think>{thought}" if thought and cut_off else thought


def reasoning_of(message: Mapping[str, Any]) -> str:
    """What a model thought beside what it said aloud; "" where it said nothing, since its thought is the reply then."""
    if not _aloud(message):
        return ""
    content = message.get("content")
    return _thought({**message, "content": content if isinstance(content, list) else None}, "thinking")


def _aloud(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    said = [_joined(content, "text") or _as_json(content), *_arguments(message.get("tool_calls"))]
    return "\n".join(part for part in said if part.strip())


def _thought(message: Mapping[str, Any], *keys: str) -> str:
    """What stands as reasoning, or under these keys in the parts of the content."""
    found = (_joined(message.get(key), "text", "thinking") for key in ("reasoning_content", "reasoning"))
    return next((text for text in (*found, _joined(message.get("content"), *keys)) if text.strip()), "")


def _joined(value: Any, *keys: str) -> str:
    """A text, or the texts of a list of parts that stand under one of the keys; a thought is itself a list of parts."""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else []
    texts = [part.get(key) for part in parts if isinstance(part, dict) for key in keys]
    inner = [text if isinstance(text, str) else _texts(text) for text in texts]
    return "".join(part for part in inner if part)


def _texts(value: Any) -> str:
    """The texts of a list of parts, and of no parts of these."""
    parts = value if isinstance(value, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _arguments(calls: Any) -> list[str]:
    """What a model called functions with; some servers send it as an object, not as its text."""
    listed = calls if isinstance(calls, list) else []
    functions = [call.get("function") for call in listed if isinstance(call, dict)]
    given = [function.get("arguments") for function in functions if isinstance(function, dict)]
    return [value if isinstance(value, str) else _as_json(value) for value in given]


def _as_json(value: Any) -> str:
    """An object that a server sent in place of its text; "" for anything else, and for one that is too deep."""
    try:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else ""
    except RecursionError:
        return ""
