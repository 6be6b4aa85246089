"""Errors that a person reads: a sentence that says what is wrong, where, and what to do.

Each class carries the exit code of the command line (README, "Exit codes").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 60


def quoted(text: str) -> str:
    """A text from a file for a message: in quotes, at most 60 characters, unseen characters escaped."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


class DempoError(Exception):
    """Anything that ends a command with a sentence instead of a traceback."""

    exit_code = 1


class InputError(DempoError):
    """A file, option, key or configuration that cannot be used as given."""

    exit_code = 2


class InfeasibleQuotas(DempoError):
    """No panel satisfies the quotas; the message names the quotas that conflict.

    details says the same for programs: `size`; `conflict`, bounds that cannot be met together;
    `least_change`, the bounds to change with the least change in members; `single_changes`, changes that
    are each enough alone; `feasible_sizes`, panel sizes nearby that exist, and `undecided_sizes`, those that
    time ran out for; `seated`, seats that are taken. None: not searched.
    """

    exit_code = 3

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class VerificationFailed(DempoError):
    """The record does not say what it should; the message names the first event that breaks it."""

    exit_code = 4


class Unchecked(DempoError):
    """Nothing of a record that was checked is wrong, but not everything that it holds could be checked here."""

    exit_code = 7


class JudgeError(DempoError):
    """A judge or another model behind an API could not be used at all."""

    exit_code = 5


class OutOfDeviceMemory(DempoError):
    """The device's memory does not hold the model and one micro-batch."""

    exit_code = 6


class Stopped(DempoError):
    """The operator asked the engine to stop; everything finished so far is recorded."""

    exit_code = 130


class Waiting(DempoError):
    """The run cannot go on before people have done something; everything finished so far is recorded.

    `draws` are the draws whose public value has still to be drawn and accepted.
    """

    exit_code = 0

    def __init__(self, sentence: str, draws: Sequence[str]) -> None:
        super().__init__(sentence)
        self.draws = tuple(draws)
