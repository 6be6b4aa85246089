"""What this machine has to spare now: disk, memory, and what its accelerators are at."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.program.provenance import output_of

LEAST_FREE = 2 * 1024**3
"""Bytes of disk below which a run may not find room for its record and its models."""

_MEMORY = Path("/proc/meminfo")
_ASKED = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"]
_PATIENCE = 4.0
"""Seconds that the tool is waited for; who closes the app waits with it."""
_MIB = 1024**2


@dataclass(frozen=True)
class Devices:
    """NVIDIA devices taken together: how busy they are on average (0 to 1), and bytes of their memory."""

    number: int
    busy: float | None
    used: int
    total: int


@dataclass(frozen=True)
class Machine:
    """Bytes that are free; None, as of devices, where the machine does not say it."""

    disk: int | None
    memory: int | None
    devices: Devices | None

    @property
    def short_of_disk(self) -> bool:
        """Whether a run may not find room."""
        return self.disk is not None and self.disk < LEAST_FREE


def machine_now(runs: Path) -> Machine:
    """What there is now for a folder of runs; nothing is raised. It asks the driver's tool, which takes its time."""
    try:
        disk = free_at(runs)
    except OSError:
        disk = None
    return Machine(disk, free_memory(), devices_now())


def free_at(runs: Path) -> int:
    """Bytes that are free where the folder of runs is, or will be."""
    return shutil.disk_usage(next(p for p in (runs, *runs.resolve().parents) if p.exists())).free


def free_memory() -> int | None:
    """Bytes of memory that new work can have, as Linux estimates them."""
    try:
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(kibibytes)
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def devices_now() -> Devices | None:
    """None where there is no driver's tool, or where it names none."""
    answer = output_of(_ASKED, _PATIENCE) if shutil.which(_ASKED[0]) is not None else None
    rows = [line.split(",") for line in (answer or "").splitlines() if line.strip()]
    found = [tuple(map(_number, row)) for row in rows if len(row) == 3]
    if not found:
        return None
    busy = [share for share, _, _ in found if share is not None]
    used, total = (_MIB * sum(int(row[place] or 0) for row in found) for place in (1, 2))
    return Devices(len(found), _mean(busy), used, total)


def _mean(percents: Iterable[float]) -> float | None:
    values = list(percents)
    return sum(values) / len(values) / 100 if values else None


def _number(word: str) -> float | None:
    """A number of the tool; None for what it cannot say ("[N/A]")."""
    try:
        found = float(word)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
