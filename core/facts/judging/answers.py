"""The answer in what a model behind an endpoint replied."""

from __future__ import annotations

from collections.abc import Sequence


def answer_in(reply: str, stop: Sequence[str]) -> str:
    """What is said aloud, up to the first stop string, without white space around it; it may be empty.

    A reply that begins with a thought (<think> … </think>) says aloud what comes behind it: nothing where the thought
    does not end.
    """
    begins = reply.lstrip()
    spoken = begins.partition("</think>")[2] if begins.startswith("<think>") else reply
    end = min((spoken.index(mark) for mark in stop if mark in spoken), default=len(spoken))
    return spoken[:end].strip()
