"""What `dempo doctor` says of training to come: memory by what holds it, disk, hours, and what to change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.errors import DempoError, InputError
from core.facts.plural import number_of
from core.program.machine import free_at
from core.sections.what_trains import TrainSection
from core.training.prediction.device_memory import FILLED
from core.training.prediction.forecast import Forecast, forecast, trainings_of
from core.training.prediction.memory_need import answering_bytes, reference_bytes
from core.training.prediction.resources import gib, parts
from core.training.prediction.ways_out import advice, fits_somehow

_QUESTION = 256
"""Tokens of a question with its template, for the memory of answering."""


def training_rows(
    config: RunConfig, runs: Path, asked: float | None = None, measured: bool = False
) -> list[dict[str, Any]]:
    """Rows for a configuration that trains: name, state (ok, note, missing), detail, and `estimate` as data.

    Args:
        asked: GiB of a GPU that is not here but is asked about.
        measured: take one micro-batch with random weights on the device that is here.

    Raises:
        InputError: what is asked about is not here and cannot be measured.
    """
    if measured and asked is not None:
        raise InputError("--measure measures the device that is here; leave out --device-memory")
    train = config.train
    if train is None or not trainings_of(config).number:
        return []
    found, memory = forecast(config, train, asked), None
    rows = [_what(train, found)]
    if found.need is None:
        return rows
    if measured:
        from core.training.prediction.random_model import measure

        try:
            memory, speed = measure(train, found.size)
        except DempoError as error:
            return [*rows, _row("training: memory", "missing", str(error), {})]
        found = forecast(config, train, asked, speed)
    return [*rows, _memory(config, train, found, memory), _disk(found, runs), _hours(found, measured)]


def _what(train: TrainSection, found: Forecast) -> dict[str, Any]:
    """The model, and how it is trained; a note where its size is not known."""
    size, trainings = found.size, found.trainings
    many = f"{number_of(trainings.number, 'training')}, {number_of(trainings.steps, 'step')} in all"
    data = {"model": train.model, "parameters": size.parameters, "trainings": trainings.number}
    data |= {"steps": trainings.steps, "precision": found.precision, "optimizer": train.optimizer}
    if size.parameters is None:
        told = f"{train.model}, {many}; memory, disk and hours cannot be predicted: {size.unknown}"
        return _row("training", "note", told, data)
    told = f"{train.model} of {size.parameters:,} parameters, {found.precision} with {train.optimizer}, {many}"
    return _row("training", "ok", f"{told}; {size.unknown}" if size.unknown else told, data)


def _memory(config: RunConfig, train: TrainSection, found: Forecast, measured: int | None) -> dict[str, Any]:
    """What the device must hold at most, and what to change where it cannot."""
    need, room, others = found.need, found.device.bytes, _other_peaks(config, train, found)
    assert need is not None, "the model's size is known"
    peak = measured or need.peak
    if measured:
        told = f"{gib(peak)} at most, from one micro-batch of rows as long as the window: {parts(found)}"
    elif need.activations is None:
        told = f"more than {gib(peak)}: {parts(found)}; one micro-batch comes on top"
    else:
        told = f"{gib(peak)} at most, by the estimate: {parts(found)}, one micro-batch {gib(need.activations)}"
    told += "".join(f"; {what} {gib(size)}" for what, size in others.items() if size > peak)
    told += f"; {found.device.name} has {'an unknown size' if room is None else gib(room)}"
    state = "ok"
    if room is not None and max(peak, *others.values(), 0) > FILLED * room:
        surely = need.states > room or measured or not fits_somehow(train, found.device.cuda, room)
        state = "missing" if surely else "note"
        told += f"; to fit, {advice(train, found.device.cuda, room, measured)}"
    data = {**asdict(need), "states": need.states, "peak": peak, "measured": measured is not None, **others}
    return _row("training: memory", state, told, data | {"device": found.device.name, "available": room})


def _other_peaks(config: RunConfig, train: TrainSection, found: Forecast) -> dict[str, int]:
    """Bytes at most while the reference is scored and while the models answer."""
    size, cuda = found.size, found.device.cuda
    if size.parameters is None or size.dimensions is None:
        return {}
    peaks = {"reference": reference_bytes(train, size.parameters, size.dimensions, cuda)}
    if config.answer is not None:
        batch, tokens = config.answer.batch, config.answer.max_tokens + _QUESTION
        peaks["answers"] = answering_bytes(train, size.parameters, size.dimensions, cuda, batch, tokens)
    return peaks


def _disk(found: Forecast, runs: Path) -> dict[str, Any]:
    """What lies on the disk at most, and what is written in all."""
    most, free = found.disk, free_at(runs)
    assert most is not None, "the model's size is known"
    models = number_of(found.trainings.number, "final model")
    written = "" if most.written is None else f", {gib(most.written)} written in all"
    told = (
        f"{gib(most.peak)} at most{written}: {models} of {gib(most.final)}, "
        f"states of {gib(most.state)} to go on from; {gib(free)} are free for {runs}"
    )
    state = "missing" if most.peak > free else "ok"
    return _row("training: disk", state, told, {**asdict(most), "free": free})


def _hours(found: Forecast, measured: bool) -> dict[str, Any]:
    """How long it takes where every row is as long as the window: at most, or a wide range."""
    slowest, fastest = found.slowest, found.fastest
    assert slowest is not None, "the model's size is known"
    assert fastest is not None, "the model's size is known"
    data = {"slowest_seconds": sum(slowest), "fastest_seconds": sum(fastest), "measured": measured}
    data |= {"step_seconds": slowest[0] / max(1, found.trainings.steps)}
    rows = "with every row as long as the window"
    if measured:
        each = duration(data["step_seconds"])
        told = f"at most {duration(sum(slowest))}, {each} a step and {duration(slowest[1])} for the reference, {rows}"
        return _row("training: time", "note", f"{told}; by one micro-batch, without saving", data)
    told = f"between {duration(sum(fastest))} and {duration(sum(slowest))}, {rows}"
    return _row("training: time", "note", f"{told}; nothing was measured, --measure takes one micro-batch here", data)


def duration(seconds: float) -> str:
    """A length of time as people read it."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def _row(name: str, state: str, detail: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "state": state, "detail": detail, "estimate": data}
