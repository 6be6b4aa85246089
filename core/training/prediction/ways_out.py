"""What to change where training does not fit, the least cost to the result first, with what each leaves needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.sections.what_trains import LoraSection, TrainSection
from core.training.prediction.device_memory import FILLED, GIB
from core.training.prediction.dimensions import Dimensions
from core.training.prediction.memory_need import memory_need, precision_on
from core.training.prediction.model_size import size_of_model

_FRUGAL = ("adamw_kahan", "adamw_sr_8bit")
"""Optimizers that train bfloat16 weights without losing their updates; the second takes less."""

_NOTHING = "take a smaller model, or a device with more memory"

_SHORTEST = 256
"""Tokens of a window that is still proposed."""


@dataclass(frozen=True)
class WayOut:
    """A change of a key of [train], on top of those before it; peak is what is then needed, in bytes."""

    key: str
    change: str
    cost: str
    peak: int


def ways_out(
    train: TrainSection, parameters: int, model: Dimensions, cuda: bool, room: int | None, scale: float = 1.0
) -> list[WayOut]:
    """The changes until training fits into `room` bytes, each made with the ones before it; all where it never fits.

    Args:
        scale: what a micro-batch took when it was measured, over what the formula says.
    """
    found: list[WayOut] = []
    for changed, key, change, cost in _changes(train, cuda):
        need = memory_need(changed, parameters, model, cuda)
        peak = need.base + need.states + int(scale * (need.activations or 0))
        if found and peak >= found[-1].peak:
            continue
        if found and found[-1].key == key:
            found.pop()
        found.append(WayOut(key, change, cost, peak))
        if room is not None and peak <= FILLED * room:
            break
    return found


def fits_somehow(train: TrainSection, cuda: bool, room: int) -> bool:
    """Whether some of the changes make training fit; true where the size of the model is not known."""
    size = size_of_model(train)
    if size.parameters is None or size.dimensions is None:
        return True
    found = ways_out(train, size.parameters, size.dimensions, cuda, room)
    return bool(found) and found[-1].peak <= FILLED * room


def advice(train: TrainSection, cuda: bool, room: int | None = None, predicted: int | None = None) -> str:
    """The changes as the end of a sentence, with what each leaves needed where the size of the model is known.

    Args:
        room: bytes that there are; None: all changes are told.
        predicted: bytes that training takes as measured; None: as the formula says.
    """
    size = size_of_model(train)
    if size.parameters is None or size.dimensions is None:
        changes = {key: change for _, key, change, _ in _changes(train, cuda)}
        return ", or ".join(f"set {change}" for change in changes.values()) or _NOTHING
    scale = 1.0
    if predicted is not None:
        need = memory_need(train, size.parameters, size.dimensions, cuda)
        scale = (predicted - need.base - need.states) / max(1, need.activations or 0)
    found = ways_out(train, size.parameters, size.dimensions, cuda, room, max(scale, 0.0))
    if not found:
        return _NOTHING
    told = ", then ".join(f"set {way.change} ({way.cost}; {way.peak / GIB:.1f} GiB)" for way in found)
    return told if room is None or found[-1].peak <= FILLED * room else f"{told}; even so it does not fit: {_NOTHING}"


def _changes(train: TrainSection, cuda: bool) -> Iterator[tuple[TrainSection, str, str, str]]:
    """(changed section, key, assignment, what it costs), each on top of those before it."""
    now = train
    while now.micro_batch > 1:
        now = _with(now, micro_batch=_next_smaller(now))
        yield now, "micro_batch", f"train.micro_batch = {now.micro_batch}", "the result stays the same"
    if not now.gradient_checkpointing:
        now = _with(now, gradient_checkpointing=True)
        told = "the result stays the same, a third more time"
        yield now, "gradient_checkpointing", "train.gradient_checkpointing = true", told
    if cuda and precision_on(now, cuda) == "fp32":
        now = _with(now, precision="bf16_mixed")
        yield now, "precision", "train.precision = 'bf16_mixed'", "coarser activations"
    for name in _FRUGAL if now.lora is None else ():
        now = _with(now, precision="bf16", optimizer=name)
        told = f"train.precision = 'bf16' and train.optimizer = '{name}'"
        yield now, "frugal", told, "weights in bfloat16"
    if now.lora is None:
        now = _with(now, precision="bf16", optimizer="adamw", lora=LoraSection())
        told = f"train.lora.rank = {LoraSection().rank} and train.precision = 'bf16'"
        yield now, "lora", told, "adapters alone are trained"
    while now.max_length // 2 >= _SHORTEST:
        now = _with(now, max_length=now.max_length // 2)
        yield now, "max_length", f"train.max_length = {now.max_length}", "longer texts are cut"


def _next_smaller(train: TrainSection) -> int:
    """The largest micro-batch below this one that divides the batch and is at most half."""
    return next(m for m in range(train.micro_batch // 2, 0, -1) if train.batch % m == 0)


def _with(train: TrainSection, **changed: Any) -> TrainSection:
    return train.model_copy(update=changed)
