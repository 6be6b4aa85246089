"""The largest number of bytes that a device held since a moment: of a GPU by its allocator, of a CPU by the process."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from core.training.prediction.device_memory import memory_available

_EVERY_S = 0.002
"""Seconds between two looks at the process where the system keeps no peak that can be started again."""


class Peak:
    """Watches from now on; `close` ends it.

    On a CPU it is the resident memory of the process. Linux keeps its peak, which can be started again; elsewhere, and
    where that is forbidden, a thread looks every two milliseconds.
    """

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"
        self._most = 0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        if self._cuda:
            import torch

            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        elif not _restarted():
            self._thread = threading.Thread(target=self._look, daemon=True)
            self._thread.start()

    def bytes(self) -> int:
        """Bytes at most, so far."""
        if self._cuda:
            import torch

            return int(torch.cuda.max_memory_allocated())
        if self._thread is None:
            return _status("VmHWM")
        return max(self._most, resident())

    def settle(self) -> float:
        """Waits until the device has done all that it was given; the time in seconds."""
        if self._cuda:
            import torch

            torch.cuda.synchronize()
        return time.perf_counter()

    def close(self) -> None:
        """Ends the thread, where there is one."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_EVERY_S):
            self._most = max(self._most, resident())


def resident() -> int:
    """Bytes of memory that this process holds now; where only a peak is known, that; 0 where nothing is."""
    return _status("VmRSS") or most_resident()


def most_resident() -> int:
    """Bytes of memory that this process held at most since it began, or since a `Peak` restarted that; 0: not known.

    Linux's `getrusage` counts what the process that started this one held then, so it is asked only elsewhere.
    """
    if found := _status("VmHWM"):
        return found
    try:
        import resource
    except ImportError:  # Windows
        return 0
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _status(name: str) -> int:
    """A number of bytes of /proc/self/status; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _restarted() -> bool:
    """Whether the system begins its peak of this process anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return _status("VmHWM") > 0


def free_now(device: str) -> int:
    """Bytes that can be had of a device now, beside what this process holds; of a CPU within its container's limit."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0]) + int(torch.cuda.memory_reserved())
    return memory_available()
