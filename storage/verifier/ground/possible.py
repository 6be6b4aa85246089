"""Numbers and times that no run writes: found while a record is read, so that nothing is kept for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LEAST = {
    "attempts": 1,
    "bytes": 0,
    "cached_tokens": 0,
    "calls": 0,
    "completion_tokens": 0,
    "contexts": 0,
    "cores": 1,
    "cut_contexts": 0,
    "cut_responses": 0,
    "declined": 0,
    "effective_pairs": 0,
    "gradient_norm": 0,
    "largest_margin": 0,
    "layouts": 0,
    "loss": 0,
    "memory": 0,
    "pairs": 0,
    "parameters": 1,
    "pid": 1,
    "pretraining_loss": 0,
    "prompt_tokens": 0,
    "prompts": 0,
    "raters": 0,
    "reasoning_tokens": 0,
    "responses": 0,
    "rows": 0,
    "seated": 0,
    "seconds": 0,
    "sequences": 1,
    "survey_only": 0,
    "tokens": 0,
    "units": 0,
    "vocabulary": 1,
    "window": 1,
}
"""The least value that a field of an event may have, whatever its kind: counts, norms, losses and lengths of time."""

WHOLES = {"cached_tokens": "prompt_tokens", "reasoning_tokens": "completion_tokens"}
"""Fields that count a part, with the one that counts the whole."""

WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


@dataclass
class Times:
    """When events say that they were recorded; `back` are those before the one that stands before them.

    Attributes:
        wrong: the first event whose time is none, and its time.
        furthest: the longest way back, in seconds, and the event after it.
    """

    first: str = ""
    last: str = ""
    wrong: tuple[int, str] | None = None
    back: int = 0
    furthest: tuple[float, int] = (0.0, 0)

    def add(self, seq: int, at: str) -> None:
        """Notes the time of the next event."""
        if not is_time(at):
            self.wrong = self.wrong or (seq, at)
            return
        if at < self.last:
            self.back += 1
            self.furthest = max(self.furthest, (seconds_between(at, self.last), seq))
        self.first, self.last = self.first or at, at


def is_time(at: str) -> bool:
    """Whether a text is a time as the writer of a record writes it."""
    try:
        return bool(WRITTEN_TIME.fullmatch(at) and datetime.fromisoformat(at[:-1]))
    except ValueError:
        return False


def seconds_between(one: str, other: str) -> float:
    """From one time to another."""
    return (datetime.fromisoformat(other[:-1]) - datetime.fromisoformat(one[:-1])).total_seconds()


def impossible(values: dict[str, Any]) -> str:
    """The first field of an event whose value is below the least one, or above its whole, as a sentence; "" for none.

    A loss that broke down stands there by its name, "nan" or "inf".
    """
    for name in values.keys() & LEAST.keys():
        value = -math.inf if values[name] == "-inf" else values[name]
        if isinstance(value, (int, float)) and value < LEAST[name]:
            return f"{name} is {values[name]}, and no run writes less than {LEAST[name]}"
    for part in values.keys() & WHOLES.keys():
        most = values.get(WHOLES[part], 0)
        if values[part] > most:
            return f"{part} is {values[part]}, which is more than the whole, {WHOLES[part]} ({most})"
    return ""
