"""The numbers of a run that move while it works: loss and pace of training, and how fast judges answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from core.facts.times import recorded_time
from core.visible import one_line
from storage.record.glances import NewStep
from tui.widgets.figures import as_float, number, whole
from tui.widgets.spark import spark

_MOST, _IN_EACH = 40, 5
"""Stretches of time in which judge calls are counted, and the calls that there are in each on average, at least."""


@dataclass(frozen=True)
class Moving:
    """A number that moves: its newest value in words, and how it came there."""

    name: str
    now: str
    values: tuple[float, ...]


def moving(steps: Sequence[NewStep], calls: Sequence[str]) -> list[Moving]:
    """What moved last, of the condition that was trained last and of all judges."""
    return [*_of_training(steps), *_of_judging(calls)]


def moving_lines(found: Sequence[Moving], width: int) -> Text:
    """A line for each, its blocks as wide as there is room for."""
    lines = Text(no_wrap=True, overflow="ellipsis")
    words = max((len(one.now) for one in found), default=0)
    for at, one in enumerate(found):
        lines.append("\n" if at else "").append(f"{one.name:<10}", style="bold")
        lines.append(f"{one.now:<{words}}  ").append(spark(one.values, max(8, width - words - 14)), "accent")
    return lines


def _of_training(steps: Sequence[NewStep]) -> list[Moving]:
    if not steps:
        return []
    condition, last = str(steps[-1].condition), steps[-1]
    own = [row for row in steps if row.condition == last.condition]
    named = f"{one_line(condition, 16)}, step {whole(last.step)}"
    pace = tuple(_numbers(row.seconds for row in own))
    return [
        Moving("loss", f"{number(last.loss, 4)}  {named}", tuple(_numbers(row.loss for row in own))),
        *([Moving("s/step", number(math.fsum(pace) / len(pace), 2), pace)] if pace else []),
    ]


def _of_judging(calls: Sequence[str]) -> list[Moving]:
    """Calls in equal stretches of the time that the newest took; none where there are too few to say."""
    times = [at.timestamp() for at in map(recorded_time, calls) if at is not None]
    first, extent = min(times, default=0.0), max(times, default=0.0) - min(times, default=0.0)
    stretches = min(_MOST, len(times) // _IN_EACH)
    if stretches < 2 or extent <= 0:
        return []
    counts = [0] * stretches
    for time in times:
        counts[min(stretches - 1, int((time - first) / extent * stretches))] += 1
    return [Moving("calls/s", number((len(times) - 1) / extent, 2), tuple(map(float, counts)))]


def _numbers(values: Iterable[Any]) -> list[float]:
    found = map(as_float, values)
    return [value for value in found if value is not None]
