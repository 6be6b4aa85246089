"""How fast a condition trains, for people: what is told beside each step, and how long the rest takes."""

from __future__ import annotations

from collections import deque

from core.events import TrainStep

_RECENT = 50
"""Steps whose mean says how long the rest takes."""


class Speed:
    """Seconds of the steps that this engine measured.

    The first one prepares much that the others find ready, so it counts only until there is a second.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._after_the_first = 0.0
        self._recent: deque[float] = deque(maxlen=_RECENT)

    def add(self, seconds: float) -> None:
        """Notes a step."""
        self.steps += 1
        if self.steps == 2:
            self._recent.clear()
        if self.steps > 1:
            self._after_the_first += seconds
        self._recent.append(seconds)

    def minutes_of(self, steps: int) -> float | None:
        """Minutes of so many steps, by the mean of all but the first; None before there is a second."""
        return steps * self._after_the_first / (self.steps - 1) / 60 if self.steps > 1 else None

    def seconds_of(self, steps: int) -> float:
        """Seconds that so many steps will take, by the last ones."""
        return steps * sum(self._recent) / max(1, len(self._recent))


def told(step: TrainStep, pairs: int, left: float) -> str:
    """A step in a line: what people look at most often comes first, since narrow terminals cut its end.

    Args:
        pairs: of the step.
        left: seconds until everything is trained.
    """
    parts = [f"{_duration(left)} left", f"loss {_short(step.loss)}", f"margin {_short(step.margin)}"]
    if step.seconds > 0:
        parts.append(f"{pairs / step.seconds:,.3g} pairs/s")
        parts += [f"{step.tokens / step.seconds:,.0f} tokens/s"] if step.tokens is not None else []
    if step.memory is not None:
        parts.append(f"{step.memory / 1000**3:.1f} GB")
    if step.effective_pairs is not None:
        parts.append(f"{step.effective_pairs:.1f} of {pairs} pairs effective")
    return ", ".join(parts)


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def _duration(seconds: float) -> str:
    """A length of time that is estimated, in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} m"
    return f"{minutes} m {rest:02d} s" if minutes else f"{rest} s"
