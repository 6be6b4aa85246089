"""How much disk training takes, and when a state is kept: as arithmetic, and as a run really writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from memory_recorder import MemoryRecorder
from test_training_stage import make_run

from core.sections.what_trains import TrainSection
from core.training.disk_need import disk_need, state_minutes
from core.training.prediction.dimensions import dimensions_of
from core.training.prediction.forecast import Trainings, disk_of
from core.training.prediction.model_size import ModelSize

LLAMA = 8_030_261_248
GB, TB = 1e9, 1e12


@pytest.mark.parametrize(
    ("configured", "predicted", "minutes"),
    [(None, None, 20), (None, 5, 20), (None, 40, 20), (None, 90, 45), (0, 90, 0), (7.5, 90, 7.5), (300, 90, 300)],
)
def test_minutes_between_states(configured: float | None, predicted: float | None, minutes: float) -> None:
    assert state_minutes(configured, predicted) == minutes


@pytest.mark.parametrize("minutes", [90, 300, None])
def test_an_8b_model_and_four_conditions_write_less_than_a_terabyte(minutes: float | None) -> None:
    need = disk_need(12 * LLAMA, 2 * LLAMA, 4, minutes, None)
    assert need.states_per_condition == 1
    assert need.written == 4 * (need.state + need.final)
    assert 0.44 * TB < need.written < 0.46 * TB
    assert 4 * (2 * need.state + need.final) < TB, "and one state more in each"
    assert need.peak == 3 * need.final + 2 * need.state
    assert 240 * GB < need.peak < 242 * GB


def test_a_state_every_fifty_steps_wrote_27_terabytes() -> None:
    """The rule of before, a step taken as a minute; models were float32, and four of them lay beside two states."""
    need = disk_need(12 * LLAMA, 4 * LLAMA, 4, 3_538, 50)
    assert need.states_per_condition == 70
    assert need.written is not None
    assert 26.9 * TB < need.written - 4 * need.final < 27.1 * TB
    assert [round(size / GB) for size in (need.state, 2 * need.state, need.final, need.peak)] == [96, 193, 32, 289]


@pytest.mark.parametrize(
    ("minutes", "checkpoint_minutes", "steps", "states"),
    [
        (15, None, None, 0),
        (20, None, None, 0),
        (21, None, None, 1),
        (10_000, None, None, 1),
        (10_000, None, 1, 0),
        (90, 10, None, 8),
        (95, 10, None, 9),
        (95, 10, 4, 3),
        (None, 10, None, None),
        (None, 0, 12, 11),
        (90, 0, 1, 0),
        (90, 0, None, None),
    ],
)
def test_how_many_states_a_condition_leaves(
    minutes: float | None, checkpoint_minutes: float | None, steps: int | None, states: int | None
) -> None:
    need = disk_need(12_000, 4_000, 2, minutes, checkpoint_minutes, steps)
    assert need.states_per_condition == states
    assert need.written == (None if states is None else 2 * (states * 12_000 + 4_000))


@pytest.mark.parametrize(
    ("train", "each"),
    [
        ({"precision": "fp32"}, 4 + 8),
        ({"precision": "bf16_mixed"}, 4 + 8),
        ({"precision": "bf16"}, 2 + 4),
        ({"optimizer": "adamw_sr"}, 2 + 4),
        ({"optimizer": "adamw_kahan"}, 2 + 6),
        ({"optimizer": "adamw_sr_8bit"}, 2 + 2 * (1 + 4 / 256)),
    ],
)
def test_a_state_is_the_weights_and_what_the_optimizer_keeps(train: dict[str, Any], each: float) -> None:
    need = disk_of(TrainSection(model="x", **train), ModelSize(LLAMA, None, stored=7), True, Trainings(4, 9, 3), None)
    assert need.state == pytest.approx(each * LLAMA, abs=1)
    assert (need.final, need.peak) == (7, 3 * 7 + 2 * need.state), "a final model is as large as the base"


def test_without_conditions_nothing_is_written() -> None:
    assert disk_need(12 * LLAMA, 2 * LLAMA, 0, 90, None).written == 0
    assert disk_need(12 * LLAMA, 2 * LLAMA, 0, 90, None).peak == 0


class Watched:
    """What lies below the checkpoints of a run beside its base model, and what was written there, in bytes of weights
    and of optimizers; looked at whenever a folder is complete."""

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoints = checkpoints
        self.written = self.peak = self.states = 0

    def look(self, folder: Path) -> dict[str, str]:
        from core.training.checkpoints import hash_files

        def size(below: Path) -> int:
            kinds = (".safetensors", ".pt")
            return sum(path.stat().st_size for path in below.rglob("*") if path.suffix in kinds)

        self.written += size(folder)
        self.peak = max(self.peak, size(self.checkpoints) - size(self.checkpoints / "base"))
        self.states = max(self.states, len(list((self.checkpoints / ".state").glob("*/checkpoint-*"))))
        return hash_files(folder)


@pytest.mark.parametrize(
    "train", [{}, {"optimizer": "adamw_kahan"}, {"lora": {"rank": 64}}, {"lora": {"rank": 64, "merged": True}}]
)
def test_a_run_writes_what_is_predicted(train: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.events import ModelReady

    run = make_run(tmp_path, steps=4, checkpoint_minutes=0, **train)
    run.model()
    recorder: MemoryRecorder = run.recorder
    watched = Watched(tmp_path / "checkpoints")
    monkeypatch.setattr("core.training.callback.hash_files", watched.look)
    run.train()
    (ready,) = {event.parameters for event in recorder.of_kind(ModelReady)}
    base = tmp_path / "checkpoints" / "base"
    dimensions = dimensions_of(json.loads((base / "config.json").read_bytes()))
    size = ModelSize(ready, dimensions, stored=(base / "model.safetensors").stat().st_size)
    need = disk_of(run.config.train, size, False, Trainings(2, 8, 4), None)
    assert need.written is not None
    assert need.written <= watched.written <= 1.1 * need.written, "scheduler and headers come on top"
    assert need.peak <= watched.peak <= 1.1 * need.peak
    assert watched.states == 2, "the new one beside the old one, and no more"
