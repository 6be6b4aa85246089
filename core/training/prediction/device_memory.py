"""How much memory the device of [train] has, as the driver's tool and the system tell. Loads no torch."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from core.program.environment import devices
from core.sections.what_trains import TrainSection

GIB = 1024**3
_MIB = 1024**2
_LIMITS = {
    "/sys/fs/cgroup/memory.max": "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "/sys/fs/cgroup/memory/memory.usage_in_bytes",
}
"""Where Linux tells what a container may use, and what it uses, in its two forms of control groups."""


FILLED = 0.95
"""Share of a device's memory that an estimate may fill before it is said not to fit."""


@dataclass(frozen=True)
class DeviceMemory:
    """A device by its name, whether it is a GPU, and its memory in bytes; None: not known."""

    name: str
    cuda: bool
    bytes: int | None


def device_memory(train: TrainSection, asked: float | None = None) -> DeviceMemory:
    """The device that training would run on here.

    Args:
        asked: GiB of a GPU that is not here but is asked about.
    """
    if asked is not None:
        return DeviceMemory("the GPU that is asked about", True, int(asked * GIB))
    found = devices() if train.device != "cpu" else []
    if found:
        name, _, size = found[0].partition(",")
        number = size.split()[0] if size.split() else ""
        return DeviceMemory(name.strip(), True, int(number) * _MIB if number.isdecimal() else None)
    return DeviceMemory("the CPU", train.device == "cuda", None if train.device == "cuda" else memory_of_machine())


def memory_of_machine() -> int | None:
    """Bytes of memory of this machine, or of the container where that has a limit of its own; None: not known."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return min([whole, *(limit for limit, _ in _limits())])


def memory_available() -> int:
    """Bytes of memory that a process could still take here; where the system does not say it, all that there is."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return memory_of_machine() or sys.maxsize
    return min([free, *(max(0, limit - used) for limit, used in _limits())])


def _limits() -> list[tuple[int, int]]:
    """(bytes allowed, bytes used) of the container; a limit that is none is larger than any machine."""
    found = []
    for limit, used in _LIMITS.items():
        try:
            allowed, taken = Path(limit).read_text().strip(), Path(used).read_text().strip()
        except OSError:
            continue
        if allowed.isdecimal() and taken.isdecimal():
            found.append((int(allowed), int(taken)))
    return found
