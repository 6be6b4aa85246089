"""Errors that a person reads: a sentence that says what is wrong, where, and what to do.

Each class carries the exit code of the command line (README, "Exit codes").
"""

from __future__ import annotations


class DempoError(Exception):
    """Anything that ends a command with a sentence instead of a traceback."""

    exit_code = 1


class InputError(DempoError):
    """A file, option, key or configuration that cannot be used as given."""

    exit_code = 2


class InfeasibleQuotas(DempoError):
    """No panel satisfies the quotas; the message names the quotas that conflict."""

    exit_code = 3


class VerificationFailed(DempoError):
    """The record does not say what it should; the message names the first event that breaks it."""

    exit_code = 4


class JudgeError(DempoError):
    """A judge or another model behind an API could not be used at all."""

    exit_code = 5


class OutOfDeviceMemory(DempoError):
    """The device's memory does not hold the model and one micro-batch."""

    exit_code = 6


class Stopped(DempoError):
    """The operator asked the engine to stop; everything finished so far is recorded."""

    exit_code = 130
