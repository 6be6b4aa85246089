"""The optimizers that `train.optimizer` may name: for which weights, in which package, and what they take of memory.

All are AdamW (β = 0.9 and 0.999, ε = 1e-8); they differ in how moments are kept and how a small update reaches bfloat16
weights. The literature's "full-parameter bf16" may mean plain `adamw` on bfloat16 weights, so that is allowed, too.
Loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from core.errors import InputError
from core.facts.training.numbers import ASKED, ONLY_BF16, numbers_possible
from core.program.environment import missing_packages
from core.sections.what_trains import TrainSection


@dataclass(frozen=True)
class Optimizer:
    """How often the bytes of a weight it keeps beside weight and gradient, and the package that it is in."""

    states: float
    imported: str = "torch"
    package: str = "torch"


OPTIMIZERS: Mapping[str, Optimizer] = {
    "adamw": Optimizer(2),
    "adamw_kahan": Optimizer(3, "optimi", "torch-optimi"),
    "adamw_sr": Optimizer(2, "torchao", "torchao"),
    "adamw_sr_8bit": Optimizer(1 + 4 / 256, "torchao", "torchao"),
}
"""In 8 bits: a byte a moment, and a float32 for every 256 of them."""

BF16_ADAMW = (
    "train.precision 'bf16' with train.optimizer 'adamw': at a learning rate of 5e-6 bfloat16 weights keep 4.8 % of "
    "the displacement, since smaller updates round away; 'adamw_kahan', 'adamw_sr' or 'adamw_sr_8bit' keep all of it, "
    "and so does 'bf16_mixed' (docs/training.md)"
)


def bytes_per_parameter(precision: str, optimizer: str) -> float:
    """Bytes that a weight takes with its gradient and the optimizer's state; autocast's copy of it among them.

    Args:
        precision: of `train.precision`, or what a record says; "tf32" takes what "fp32" does.
        optimizer: of `OPTIMIZERS`.
    """
    weight = 2 if precision == "bf16" else 4
    copied = 2 if precision == "bf16_mixed" else 0
    return 2 * weight + OPTIMIZERS[optimizer].states * weight + copied


def require_optimizer(train: TrainSection) -> None:
    """Refuses an optimizer that `require_suited` does, or that cannot be had here.

    Raises:
        InputError: says which package is missing, too.
    """
    require_suited(train)
    found = OPTIMIZERS[train.optimizer]
    if find_spec(found.imported) is None:
        raise InputError(f"train.optimizer {train.optimizer!r}: {missing_packages([found.package])}")


def require_suited(train: TrainSection) -> None:
    """Refuses an optimizer that there is not, or that the weights make useless, on whatever machine.

    Raises:
        InputError: says which, and what would be valid.
    """
    name = train.optimizer
    found = OPTIMIZERS.get(name)
    if found is None:
        raise InputError(f"train.optimizer: there is no optimizer {name!r}; there are {', '.join(OPTIMIZERS)}")
    if name in ONLY_BF16 and "bf16" not in numbers_possible(train.precision, name):
        others = ", ".join(repr(precision) for precision in ASKED if precision != "bf16")
        raise InputError(
            f"train.optimizer {name!r} is made for bfloat16 weights, and train.precision is {train.precision!r}; set "
            f"that to 'bf16' or leave it out, or take 'adamw', which is for {others}"
        )


def notes_on_optimizer(train: TrainSection) -> Iterator[str]:
    """What somebody should know of an optimizer that may be taken; adapters are kept in float32 whatever the model."""
    if train.optimizer == "adamw" and train.precision == "bf16" and train.lora is None:
        yield BF16_ADAMW
