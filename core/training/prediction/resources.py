"""Whether this machine surely lacks the memory or the disk for training, told before a run is created."""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.errors import InputError, OutOfDeviceMemory
from core.program.machine import free_at
from core.sections.what_trains import TrainSection
from core.training.models.optimizers import OPTIMIZERS
from core.training.prediction.device_memory import FILLED, GIB
from core.training.prediction.forecast import Forecast, forecast
from core.training.prediction.ways_out import advice


def require_resources(config: RunConfig, train: TrainSection, runs: Path | None) -> None:
    """Refuses what cannot be, whatever the texts and the speed: all else is a note, and measured when training begins.

    Raises:
        OutOfDeviceMemory: weights, gradient and optimizer alone take more than the device has.
        InputError: the final models and two states take more than is free.
    """
    if train.optimizer not in OPTIMIZERS:
        return  # which is said by itself
    found = forecast(config, train)
    if not found.trainings.number or found.need is None or found.disk is None:
        return
    room = found.device.bytes
    if room is not None and found.need.states > room:
        raise OutOfDeviceMemory(
            f"training takes {gib(found.need.states)} of memory for {parts(found)} alone, and {found.device.name} has "
            f"{gib(room)}; {advice(train, found.device.cuda, room)}"
        )
    if runs is not None and found.disk.peak > (free := free_at(runs)):
        raise InputError(
            f"training takes up to {gib(found.disk.peak)} of disk for final models and states to go on from, "
            f"and {gib(free)} are free for {runs}; free some, name another folder of runs, or train fewer conditions "
            "in one run"
        )


def resource_notes(config: RunConfig) -> tuple[str, ...]:
    """What the device may not hold, by the estimate."""
    if config.train is None or not config.has_base:
        return ()
    found = forecast(config, config.train)
    if not found.trainings.number or found.need is None:
        return ()
    room = found.device.bytes
    if room is None or found.need.peak <= FILLED * room:
        return ()
    return (
        f"training may take {gib(found.need.peak)} of memory by the estimate, and {found.device.name} has "
        f"{gib(room)}; one micro-batch is measured before anything is scored; to fit, "
        f"{advice(config.train, found.device.cuda, room)}",
    )


def parts(found: Forecast) -> str:
    """What the states of a training are, as a part of a sentence."""
    need = found.need
    assert need is not None, "the model's size is known"
    sizes = f"weights {gib(need.weights)}, gradient {gib(need.gradient)} and optimizer {gib(need.optimizer)}"
    return f"{sizes} ({found.precision}, {found.size.parameters:,} parameters)"


def gib(size: float) -> str:
    """Bytes as people read them."""
    return f"{size / GIB:,.1f} GiB" if size >= GIB / 10 else f"{size / 1024**2:,.1f} MiB"
