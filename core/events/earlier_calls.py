"""What a judge of another run was asked and said, as it is handed to a stage that goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.events.evaluation import JudgeCalled


@dataclass(frozen=True)
class EarlierCall:
    """A call that got a reply, the number of its event in that run, and its texts; "" for one that it does not have."""

    seq: int
    event: JudgeCalled
    template: str
    prompt: str
    reply: str


@dataclass(frozen=True)
class EarlierCalls:
    """The calls of one judge of another run that got a reply, by their units.

    first is the hash of that run's first event; config its resolved configuration, as recorded; questions are the ids
    of those that it asked.
    """

    run_id: str
    first: str
    config: Mapping[str, Any]
    questions: tuple[str, ...]
    calls: Mapping[str, EarlierCall]


EarlierCallsOf = Callable[[Path, str], EarlierCalls]
"""Reads them of the run in a folder, by the judge's label; InputError where that cannot be read."""
