"""The optimizers themselves, by the names of `optimizers`. Loads torch, and the package of the one that is asked for.

On a CPU torchao's are run as they are written, without torch.compile: that needs a compiler of C++, and what it makes
would be another program on another machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import Any

import torch

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def make_optimizer(
    parameters: Iterable[Any], *, name: str, learning_rate: float, weight_decay: float = 0.0, device: str = "cpu"
) -> torch.optim.Optimizer:
    """An optimizer over parameters, or groups of them that have a weight decay of their own.

    Those that round by chance draw from torch's generator of the weights' device.
    """
    settings: dict[str, Any] = {
        "lr": learning_rate,
        "betas": BETAS,
        "eps": EPSILON,
        "weight_decay": weight_decay,
    }
    if name == "adamw":
        return torch.optim.AdamW(parameters, fused=True, **settings)
    if name == "adamw_kahan":
        import optimi

        return optimi.AdamW(parameters, kahan_sum=True, **settings)
    return _rounding(name, device)(parameters, bf16_stochastic_round=True, **settings)


def _rounding(name: str, device: str) -> Any:
    """The class of torchao; its first two moments are in bfloat16, or in 8 bits."""
    import torchao.optim

    chosen = {"adamw_sr": torchao.optim._AdamW, "adamw_sr_8bit": torchao.optim.AdamW8bit}[name]
    if device == "cuda" and any(map(shutil.which, ("cc", "gcc", "clang"))):  # Triton asks for one
        return chosen

    class AsWritten(chosen):  # type: ignore[misc, valid-type]
        def step(self, closure: Any = None) -> Any:
            with torch.compiler.set_stance("force_eager"):
                return super().step(closure)

    return AsWritten
