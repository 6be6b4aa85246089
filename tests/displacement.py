"""How far weights get under an optimizer, for its test and for a benchmark: a steady gradient with noise, rate 5e-6."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from core.training.models.made_optimizers import make_optimizer

WEIGHTS = 200_192
STEPS = 100
RATE = 5e-6


def start(count: int) -> torch.Tensor:
    """Weights of standard deviation 0.02, in bfloat16, shape (count,)."""
    return (torch.randn(count, generator=torch.Generator().manual_seed(0)) * 0.02).bfloat16()


def train(
    name: str, dtype: torch.dtype, count: int = WEIGHTS, steps: int = STEPS, seed: int = 3, device: str = "cpu"
) -> tuple[torch.Tensor, Any]:
    """The displacement of `count` weights after some steps, in float64, shape (count,), and the optimizer.

    Args:
        seed: of the generator by which an optimizer rounds.
    """
    drawn = torch.Generator().manual_seed(1)
    steady = torch.randn(count, generator=drawn) * 1e-4
    weights = torch.nn.Parameter(start(count).to(device, dtype))
    optimizer = make_optimizer([weights], name=name, learning_rate=RATE, device=device)
    torch.manual_seed(seed)
    for _ in range(steps):
        weights.grad = (steady + torch.randn(count, generator=drawn) * 3e-4).to(device, dtype)
        optimizer.step()
    return weights.detach().cpu().double() - start(count).double(), optimizer


class Kept(NamedTuple):
    """The share of the weights that changed, the projection on another displacement, and the cosine with it."""

    changed: float
    projection: float
    cosine: float


def kept(found: torch.Tensor, whole: torch.Tensor) -> Kept:
    """What a displacement keeps of the one in float32."""
    along = found @ whole
    return Kept(
        changed=float((found != 0).double().mean()),
        projection=float(along / (whole @ whole)),
        cosine=float(along / (found.norm() * whole.norm())),
    )
