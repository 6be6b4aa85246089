"""At the start of the stage `train`: one micro-batch is measured, and what will not fit is refused before any scoring.

memory at most = the measured micro-batch, with weights and gradient, + the optimizer's state by the table
seconds        = operations of the schedules / operations a second of the measured micro-batch
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError, OutOfDeviceMemory
from core.events import TrainPredicted
from core.facts.training.weight_files import WEIGHTS_INDEX
from core.sections.what_trains import TrainSection
from core.training.as_tokens.tokens import Tokens
from core.training.models.model import load_model, weights_of
from core.training.models.precision import Placement, memory_guard, release_memory
from core.training.prediction.device_memory import GIB
from core.training.prediction.dimensions import Dimensions, dimensions_of, parameters_in
from core.training.prediction.forecast import Trainings, disk_of
from core.training.prediction.longest_rows import longest_rows, work_of
from core.training.prediction.memory_need import MemoryNeed, memory_need
from core.training.prediction.micro_batch import MicroBatch, take
from core.training.prediction.model_size import ModelSize
from core.training.prediction.peak import Peak, free_now, resident
from core.training.prediction.step_time import operations, seconds_of
from core.training.prediction.ways_out import advice
from core.types import Condition, PreferencePairs

_SURELY = 1.1
"""How often the memory that is there the estimate may take before measuring is not tried: it is good to 7 %."""


@dataclass(frozen=True)
class Subject:
    """What is going to be trained: the base model's folder, the pairs with their tokens, and the conditions."""

    folder: Path
    section: TrainSection
    placed: Placement
    pairs: PreferencePairs
    tokens: Tokens
    pad: int
    trained: Sequence[Condition]

    @property
    def cuda(self) -> bool:
        """Whether on a GPU."""
        return self.placed.device == "cuda"


def predict(subject: Subject, root: Path) -> TrainPredicted:
    """Measures one micro-batch of the longest rows, and predicts memory, time and disk of the training.

    Args:
        root: the run's folder, whose disk is looked at.

    Raises:
        OutOfDeviceMemory: the device holds not even the weights with gradient and optimizer, or not the micro-batch.
    """
    section, placed = subject.section, subject.placed
    before = 0 if subject.cuda else resident()
    room = free_now(placed.device) + before
    _require_states(subject, room - before)
    peak = Peak(placed.device)
    try:
        with memory_guard(section, "measuring one micro-batch of the longest rows"):
            model = load_model(subject.folder, placed)
            parameters = int(model.num_parameters())
            dimensions = dimensions_of(model.config.get_text_config().to_dict())
            rows = longest_rows(subject.tokens, section.micro_batch)
            _require_micro_batch(subject, parameters, dimensions, max(map(subject.tokens.length, rows)), room - before)
            taken = take(model, subject.tokens.batch(rows, subject.pad, placed.multiple), section, placed, peak)
            del model
    finally:
        peak.close()
        release_memory()
    need = memory_need(section, parameters, dimensions, subject.cuda)
    memory = max(taken.peak + need.optimizer, before + need.states)
    return _event(subject, parameters, dimensions, taken, need, memory, room, shutil.disk_usage(root).free)


def require_room(predicted: TrainPredicted, section: TrainSection) -> None:
    """Refuses a training that will not fit, before anything is scored.

    Raises:
        OutOfDeviceMemory: it will take more memory than there is.
        InputError: its states and models will take more disk than is free.
    """
    if predicted.memory > predicted.available:
        ways = advice(section, predicted.device == "cuda", predicted.available, predicted.memory)
        raise OutOfDeviceMemory(
            f"training will take {predicted.memory / GIB:.1f} GiB of memory, as one micro-batch of the longest rows "
            f"and the size of the optimizer's state tell, and {predicted.available / GIB:.1f} GiB are there; nothing "
            f"has been scored; clone the run and {ways}"
        )
    if predicted.disk > predicted.disk_free:
        raise InputError(
            f"training will take up to {predicted.disk / GIB:.1f} GiB of disk, for final models and the states it goes "
            f"on from, and {predicted.disk_free / GIB:.1f} GiB are free; free some and resume the run"
        )


def _require_states(subject: Subject, room: int) -> None:
    """Refuses before anything is loaded what cannot fit at all: a machine may end a process that takes all of it."""
    files = [path for path in weights_of(subject.folder) if path.name != WEIGHTS_INDEX]
    parameters = parameters_in(files)
    if parameters is None:
        return
    states = memory_need(subject.section, parameters, None, subject.cuda).states
    if states > room:
        raise OutOfDeviceMemory(
            f"weights, gradient and optimizer of {parameters:,} parameters take {states / GIB:.1f} GiB of memory, and "
            f"{room / GIB:.1f} GiB are there; nothing has been scored; clone the run and "
            f"{advice(subject.section, subject.cuda, room)}"
        )


def _require_micro_batch(
    subject: Subject, parameters: int, dimensions: Dimensions | None, width: int, room: int
) -> None:
    """Refuses what measuring on a CPU would end with the machine's memory, and its other processes with it.

    On a GPU an allocation that fails is an error that is told; a CPU promises memory that is not there.
    """
    if subject.cuda or dimensions is None:
        return
    section = subject.section.model_copy(update={"max_length": width})
    need = memory_need(section, parameters, dimensions, cuda=False)
    wanted = need.states + (need.activations or 0)
    if wanted > _SURELY * room:
        raise OutOfDeviceMemory(
            f"training takes {wanted / GIB:.1f} GiB of memory by the estimate for rows of {width} tokens, and "
            f"{room / GIB:.1f} GiB are there; nothing was measured or scored; clone the run and "
            f"{advice(section, subject.cuda, room)}"
        )


def _event(
    subject: Subject,
    parameters: int,
    dimensions: Dimensions | None,
    taken: MicroBatch,
    need: MemoryNeed,
    memory: int,
    room: int,
    free: int,
) -> TrainPredicted:
    section, trained = subject.section, subject.trained
    speed = operations(taken.sequences * taken.width, taken.width, parameters, dimensions) / max(taken.seconds, 1e-9)
    work = work_of(subject.tokens, subject.pairs, trained, section, subject.placed.multiple)
    seconds, scoring = seconds_of(work, parameters, dimensions, speed)
    steps = sum(len(condition.schedule) for condition in trained)
    longest = max(len(condition.schedule) for condition in trained)
    size = ModelSize(parameters, dimensions, stored=sum(file.stat().st_size for file in weights_of(subject.folder)))
    trainings = Trainings(len(trained), steps, longest)
    disk = disk_of(section, size, subject.cuda, trainings, seconds / 60 * longest / steps)
    return TrainPredicted(
        parameters=parameters,
        trainings=len(trained),
        steps=steps,
        sequences=taken.sequences,
        device=subject.placed.device,
        width=taken.width,
        measured=taken.peak,
        optimizer=need.optimizer,
        memory=memory,
        available=room,
        micro_batch_seconds=round(taken.seconds, 6),
        step_seconds=round(seconds / steps, 6),
        seconds=round(seconds, 3),
        reference_seconds=round(scoring, 3),
        disk=disk.peak,
        disk_written=disk.written or 0,
        disk_free=free,
    )
