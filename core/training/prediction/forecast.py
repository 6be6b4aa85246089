"""What the training of a configuration will take, before anything is loaded: memory, disk and hours."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig
from core.facts.sources import trains
from core.program.environment import usable_cores
from core.sections.what_trains import TrainSection
from core.training.disk_need import DiskNeed, disk_need
from core.training.prediction.device_memory import DeviceMemory, device_memory
from core.training.prediction.memory_need import (
    MemoryNeed,
    memory_need,
    precision_on,
    trained_bytes,
)
from core.training.prediction.model_size import ModelSize, size_of_model
from core.training.prediction.step_time import Work, seconds_of, speeds


@dataclass(frozen=True)
class Trainings:
    """How many models are trained, and their optimizer steps in all and of the longest."""

    number: int
    steps: int
    longest: int


@dataclass(frozen=True)
class Forecast:
    """What training takes; need, disk and times are None where the size of the model is not known.

    slowest and fastest are seconds of (training, scoring the reference) at the speeds that are to be expected, or that
    was measured, with every row as long as the window; disk is what the slowest leaves on the disk.
    """

    trainings: Trainings
    size: ModelSize
    device: DeviceMemory
    precision: str
    need: MemoryNeed | None
    disk: DiskNeed | None
    slowest: tuple[float, float] | None
    fastest: tuple[float, float] | None


def trainings_of(config: RunConfig, repeated: int = 0) -> Trainings:
    """The trainings that a configuration asks for.

    Args:
        repeated: more trainings of `train.steps` than there are conditions, where a condition is trained several times.
    """
    usual = config.train.steps if config.train else 0
    steps = [condition.steps or usual for condition in config.conditions if trains(condition.source)]
    steps += [usual] * repeated
    return Trainings(len(steps), sum(steps), max(steps, default=0))


def forecast(
    config: RunConfig,
    train: TrainSection,
    asked: float | None = None,
    speed: float | None = None,
    repeated: int = 0,
) -> Forecast:
    """The forecast for [train].

    Args:
        asked: GiB of a GPU that is not here; None: the device that is.
        speed: operations a second that were measured; None: a range.
        repeated: as `trainings_of`.
    """
    trainings, size, device = trainings_of(config, repeated), size_of_model(train), device_memory(train, asked)
    precision = precision_on(train, device.cuda)
    if size.parameters is None:
        return Forecast(trainings, size, device, precision, None, None, None, None)
    slow, fast = (speed, speed) if speed else speeds(precision, device.cuda, train.threads or usable_cores())
    work = most_work(train, trainings)
    slowest = seconds_of(work, size.parameters, size.dimensions, slow)
    fastest = seconds_of(work, size.parameters, size.dimensions, fast)
    share = trainings.longest / max(1, trainings.steps) / 60

    return Forecast(
        trainings=trainings,
        size=size,
        device=device,
        precision=precision,
        need=memory_need(train, size.parameters, size.dimensions, device.cuda),
        disk=disk_of(train, size, device.cuda, trainings, share * slowest[0]),
        slowest=slowest,
        fastest=fastest,
    )


def most_work(train: TrainSection, trainings: Trainings) -> Work:
    """The work where every row is as long as the window; a sequence is scored once, at most."""
    tokens = 2 * train.batch * trainings.steps * train.max_length
    scored = 2 * train.batch * trainings.longest * train.max_length
    return Work(trained=tokens, scored=scored if trainings.number else 0, width=train.max_length)


def disk_of(train: TrainSection, size: ModelSize, cuda: bool, trainings: Trainings, minutes: float | None) -> DiskNeed:
    """The disk of some trainings, the longest of `minutes`; adapters are kept alone unless they are merged.

    A state holds what is trained and what its optimizer keeps, by the table of optimizers.
    """
    precision, parameters = precision_on(train, cuda), size.parameters or 0
    trained = trained_bytes(train, parameters, size.dimensions, precision)
    kept, whole = trained.weights + trained.optimizer, train.lora is None or train.lora.merged
    final = (size.stored or trained.weights) if whole else trained.weights
    number, every = trainings.number, train.checkpoint_minutes
    return disk_need(kept, final, number, minutes, every, trainings.longest)
