"""What the exit code of a command means, in words."""

from __future__ import annotations

import signal

from core.errors import (
    DempoError,
    InfeasibleQuotas,
    InputError,
    JudgeError,
    OutOfDeviceMemory,
    Unchecked,
    VerificationFailed,
)

_WORDS = {
    0: "it ended well",
    DempoError.exit_code: "it ended with an error",
    InputError.exit_code: "it cannot be done as asked",
    InfeasibleQuotas.exit_code: "no panel meets the quotas",
    VerificationFailed.exit_code: "the record is not what it should be",
    JudgeError.exit_code: "a judge or another model could not be used",
    OutOfDeviceMemory.exit_code: "the device's memory is too small",
    Unchecked.exit_code: "not everything could be checked here",
}


def ended_with(code: int) -> str:
    """What an exit code says; a negative one is that of a process that a signal ended."""
    number = -code if code < 0 else code - 128
    if number > 0 and number in {*signal.Signals}:
        return f"{signal.Signals(number).name} ended it (exit code {code})"
    return f"{_WORDS.get(code, 'it ended in a way of its own')} (exit code {code})"
