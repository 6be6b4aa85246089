"""The formats of data by their names: what each gives, and who reads it. Whatever comes behind knows none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.config import RunConfig
from core.data.files.texts import CleanTexts
from core.data.prism import notes_of_survey, read_prism
from core.data.utterances import Preferences, Watch


@dataclass(frozen=True)
class PreferenceFormat:
    """How preferences are read, and what a person should know of them before a run is created, as sentences.

    Both raise InputError where the data cannot be used; the second reads no more than takes a moment.
    """

    read: Callable[[RunConfig, CleanTexts, Counter[str], Watch], Preferences]
    notes: Callable[[RunConfig], tuple[str, ...]]


PREFERENCES: Mapping[str, PreferenceFormat] = {"prism": PreferenceFormat(read_prism, notes_of_survey)}
"""Formats that hold preferences. `tables` holds people alone (`core.data.tables`)."""
