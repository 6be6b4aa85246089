"""What the machine has to spare, at the end of the title: figures so round that they seldom change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from core.program.machine import Machine

_GIB = 1024**3
_STEPS = ((2 * _GIB, _GIB / 10), (10 * _GIB, _GIB / 2), (100 * _GIB, _GIB), (float("inf"), 5 * _GIB))
"""Below so many bytes figures are rounded to so many."""
_BUSY = 0.1
"""The share to which the work of devices is rounded."""


class MachineBar:
    """Keeps the figures that it showed until one is off by most of a step, so that none goes to and fro."""

    def __init__(self) -> None:
        self._shown: dict[str, float] = {}

    def parts(self, machine: Machine) -> tuple[Text, ...]:
        """Disk, devices and memory, the most important first; what the machine does not say is left out."""
        found = []
        if machine.disk is not None:
            short = machine.short_of_disk
            figure = self._bytes("disk", machine.disk)
            found.append(Text(f"! disk low: {figure}", style="bold bad") if short else Text(f"disk {figure}"))
        devices = machine.devices
        if devices is not None:
            name = "GPU" if devices.number == 1 else f"{devices.number} GPUs"
            busy = "" if devices.busy is None else f" {100 * self._held('busy', devices.busy, _BUSY):.0f} %"
            used, total = self._held("used", devices.used, _GIB), devices.total
            memory = f" {used / _GIB:.0f}/{total / _GIB:.0f} G" if total else ""
            found.append(Text(f"{name}{busy}{memory}"))
        if machine.memory is not None:
            found.append(Text(f"RAM {self._bytes('memory', machine.memory)}"))
        return tuple(found)

    def _bytes(self, what: str, value: int) -> str:
        step = next(step for most, step in _STEPS if value < most)
        return f"{self._held(what, value, step) / _GIB:,.{int(step < _GIB)}f} G".replace(".0 ", " ")

    def _held(self, what: str, value: float, step: float) -> float:
        shown = self._shown.get(what)
        if shown is None or abs(value - shown) >= 0.75 * step:
            shown = self._shown[what] = step * round(value / step)
        return shown
