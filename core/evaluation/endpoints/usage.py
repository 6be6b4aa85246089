"""How many tokens a call took, from `usage` of a chat completion. Servers differ in the names, and nothing is taken for
granted."""

from __future__ import annotations

from typing import Any, NamedTuple


class Usage(NamedTuple):
    """The tokens of a prompt and of its reply, and of them those from a cache and those of thoughts; None where it is
    not said."""

    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None


def counted(usage: Any) -> Usage:
    """What a response says of its tokens.

    A part that is said to be larger than its whole is not said: a prompt would cost less than nothing.
    """
    usage = usage if isinstance(usage, dict) else {}
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _count(_inside(usage, "prompt_tokens_details", "cached_tokens"))
    if cached is None:
        cached = _count(usage.get("prompt_cache_hit_tokens"))  # DeepSeek's name
    reasoning = _count(_inside(usage, "completion_tokens_details", "reasoning_tokens"))
    return Usage(prompt, completion, _within(cached, prompt), _within(reasoning, completion))


def _inside(usage: dict[str, Any], part: str, name: str) -> Any:
    details = usage.get(part)
    return details.get(name) if isinstance(details, dict) else None


def _within(part: int | None, whole: int | None) -> int | None:
    return part if part is not None and whole is not None and part <= whole else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
