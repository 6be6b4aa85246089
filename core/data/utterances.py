"""What every format of preferences is read into: people, conversations, and scored responses by turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.data.contexts import Exchange
from core.data.unlisted import Unlisted
from core.events import FileRead

Watch = Callable[[float, float, str], None]
"""Told how far a long reading is: done, total, and what is read; may raise to end it."""


class Surveyed(NamedTuple):
    """A person whose locale was asked for."""

    locale: str
    us_rep: bool
    attributes: dict[str, str]


class Conversation(NamedTuple):
    """Whose conversation it is, and its history: the exchange of each turn, None where it is not usable."""

    user: str
    history: dict[int, Exchange | None]


class Utterance(NamedTuple):
    """One scored response. Sorting puts those of a turn in their order; prompt and response are None for a
    placeholder, score None where nobody scored it."""

    position: int
    utterance_id: str
    prompt: str | None
    response: str | None
    score: float | None
    chosen: bool


Turns = dict[int, list[Utterance]]
"""The scored responses of a conversation by turn."""


@dataclass(frozen=True)
class Preferences:
    """Everything that a reader gives: people by source id, conversations by name, turns by person and conversation.

    unlisted are answers without a category; files are what was read, in the order of the format.
    """

    raters: Mapping[str, Surveyed]
    conversations: Mapping[str, Conversation]
    turns: Mapping[str, Mapping[str, Turns]]
    unlisted: Unlisted
    files: tuple[FileRead, ...]
