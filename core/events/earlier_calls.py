"""Other runs, and what a judge of one was asked and said, as they are handed to a run that goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import InputError
from core.events.evaluation import JudgeCalled

if TYPE_CHECKING:
    from core.types import Earlier


@dataclass(frozen=True)
class EarlierCall:
    """A call that got a reply, the number of its event in that run, and its texts; "" for one that it does not have."""

    seq: int
    event: JudgeCalled
    template: str
    prompt: str
    reply: str
    reasoning: str = ""
    chat_template: str = ""


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


class OtherRuns(Protocol):
    """Reads the records of other runs, each by its folder."""

    def earlier(self, root: Path) -> Earlier:
        """What a run asked and was answered.

        Raises:
            InputError: that cannot be read.
        """
        ...

    def earlier_calls(self, root: Path, label: str) -> EarlierCalls:
        """What the judge of a label was asked and said.

        Raises:
            InputError: that cannot be read.
        """
        ...


class UnreadRuns:
    """Stands for other runs where nothing reads their records."""

    def earlier(self, root: Path) -> Earlier:
        """None."""
        raise InputError(f"{root} is a run's folder, and records of runs are not read here")

    def earlier_calls(self, root: Path, label: str) -> EarlierCalls:
        """None."""
        raise InputError(f"judge {label!r}: recorded names run {root.name}, and records of runs are not read here")
