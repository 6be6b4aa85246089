"""What the optimizers of `train.optimizer` keep of small updates, take of memory, and draw by chance."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from displacement import WEIGHTS, kept, train

from core.facts.training.numbers import ROUNDED_AT_RANDOM, numbers_possible
from core.sections.what_trains import TrainSection
from core.training.models.optimizers import OPTIMIZERS, bytes_per_parameter
from core.training.models.precision import placement

FEWER = 50_176

KEPT = {  # share of the weights that changed, projection on the displacement in float32, and the cosine with it
    "adamw": ((0, 0.1), (0.04, 0.06), (0.2, 0.3)),
    "adamw_kahan": ((0.75, 0.85), (0.99, 1.01), (0.97, 1)),
    "adamw_sr": ((0.7, 0.85), (0.98, 1.02), (0.77, 0.81)),
    "adamw_sr_8bit": ((0.7, 0.85), (0.98, 1.02), (0.77, 0.81)),
}


@cache
def trained(name: str, dtype: torch.dtype, count: int = FEWER) -> tuple[torch.Tensor, Any]:
    torch.set_num_threads(1)
    return train(name, dtype, count)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("count", [FEWER, pytest.param(WEIGHTS, marks=pytest.mark.long)])
def test_how_much_of_a_small_displacement_bf16_weights_keep(name: str, count: int) -> None:
    whole, _ = trained("adamw", torch.float32, count)
    assert (whole != 0).double().mean() > 0.999
    found, _ = trained(name, torch.bfloat16, count)
    measured = kept(found, whole)
    for value, (low, high) in zip(measured, KEPT[name], strict=True):
        assert low <= value <= high, measured


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_bytes_of_a_parameter_are_those_that_are_taken(name: str) -> None:
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        if precision not in numbers_possible(precision, name) or (precision == "fp32" and name != "adamw"):
            continue
        _, optimizer = trained(name, dtype)
        (state,) = optimizer.state.values()
        kept = sum(held_by(value) for value in state.values())
        taken = bytes_per_parameter(precision, name) * FEWER
        assert taken == pytest.approx(2 * FEWER * dtype.itemsize + kept, rel=1e-2)
    assert bytes_per_parameter("bf16_mixed", "adamw") == bytes_per_parameter("tf32", "adamw") + 2 == 18


def held_by(value: Any) -> int:
    """Bytes of a value of an optimizer's state, in its parts where torchao keeps it in 8 bits."""
    if hasattr(value, "tensor_attrs"):
        return sum(held_by(getattr(value, part)) for part in value.tensor_attrs)
    return value.numel() * value.element_size() if torch.is_tensor(value) and value.numel() > 1 else 0


def test_rounding_by_chance_draws_from_the_seed_and_the_others_from_none() -> None:
    for name in OPTIMIZERS:
        first, again, other = (train(name, torch.bfloat16, FEWER, steps=3, seed=seed)[0] for seed in (3, 3, 4))
        assert torch.equal(first, again)
        assert torch.equal(first, other) == (name not in ROUNDED_AT_RANDOM)


# ---------------------------------------------------------------- numbers


def placed(monkeypatch: pytest.MonkeyPatch, gpu: bool, recorded: str | None = None, **train: Any) -> str:
    """The numbers of a placement where there is a GPU, or none."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    try:
        found = placement(TrainSection(model="tiny", **train), recorded)
        assert torch.get_float32_matmul_precision() == ("high" if found.numbers == "tf32" else "highest")
        assert found.exact == (found.numbers == "fp32")
        return found.numbers
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_device_decides_what_the_configuration_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert placed(monkeypatch, False) == placed(monkeypatch, True, device="cpu") == "fp32"
    assert placed(monkeypatch, True) == "bf16_mixed"
    assert placed(monkeypatch, True, optimizer="adamw_sr") == placed(monkeypatch, False, optimizer="adamw_sr") == "bf16"


def test_float32_is_tf32_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert placed(monkeypatch, True, precision="fp32") == "tf32"
    assert placed(monkeypatch, False, precision="fp32") == "fp32"
    for precision in ("bf16_mixed", "bf16"):
        assert placed(monkeypatch, True, precision=precision) == placed(monkeypatch, False, precision=precision)


def test_numbers_on_record_are_kept_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for gpu in (False, True):
        for recorded in ("fp32", "bf16_mixed", "bf16"):
            assert placed(monkeypatch, gpu, recorded) == recorded
    assert placed(monkeypatch, True, "tf32", precision="fp32") == "tf32"
    assert placed(monkeypatch, False, "tf32", precision="fp32") == "fp32"


@pytest.mark.long
def test_libraries_say_nothing_when_they_are_loaded() -> None:
    code = (
        "from core.training.models.precision import quiet_libraries as q; q(); import core.training.dpo, torchao.optim"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
